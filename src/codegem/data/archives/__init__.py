"""Raw files out of archives, folders and checkouts, read in place and within limits."""
