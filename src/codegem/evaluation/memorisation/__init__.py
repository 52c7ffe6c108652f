"""Whether a model repeats what it was trained on: rows that are asked for, and canaries (docs/MEMORISATION.md)."""
