"""Text from a model on this machine: sampling, stopping, and the engine. Nothing here reads a file."""
