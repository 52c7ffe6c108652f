"""The language server: LSP 3.18 over standard input and output. What is suggested is decided in `assist`."""
