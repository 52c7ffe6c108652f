"""Near-duplicates; `data.dedup` decides which file is kept."""
