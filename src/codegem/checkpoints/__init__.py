"""Model weights and training state on disk, one module for each layout."""
