"""Repositories in, token shards out; imports no JAX.

Repository -> Document, or Rejection -> PackedContext -> TrainingExample -> shards and a manifest.
`pipeline` runs the stages in their order; every other module is one stage, usable alone.
"""
