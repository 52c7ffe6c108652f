"""What an editor means: the cursor, the context to be sent, the text to be shown. No HTTP, no LSP, no arrays."""
