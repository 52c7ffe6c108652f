"""Which files are worth learning from, rule by rule; `data.filters` asks them."""
