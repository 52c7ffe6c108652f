"""Where code stands in the corpus: an index of its text, and the copies that another text holds."""
