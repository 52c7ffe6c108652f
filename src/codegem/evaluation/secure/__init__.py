"""Whether a model writes insecure code: cases of our own, static analysers, and attacks in the sandbox."""
