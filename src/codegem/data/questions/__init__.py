"""Questions with answers, from published sets, made up, or from a model; `data.instructions` makes shards of them."""
