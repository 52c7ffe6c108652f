"""Content safety: what a model says to requests that it should not meet, and to harmless ones that look like them."""
