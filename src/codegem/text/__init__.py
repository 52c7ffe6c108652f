"""What training and serving must agree on: tokens, the fill-in-the-middle grammar, languages. No arrays."""
