"""Package registries: what a manifest pins, and one client for each."""
