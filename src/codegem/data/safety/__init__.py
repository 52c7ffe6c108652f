"""Secrets, personal data and what the user lists: found, and redacted in place or dropped with the file."""
