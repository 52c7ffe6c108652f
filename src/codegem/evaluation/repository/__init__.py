"""Filling held-out places of one's own repositories: what a model knows of code that it has not seen."""
