"""Running code that nobody trusts: what a model wrote, and tests of it."""
