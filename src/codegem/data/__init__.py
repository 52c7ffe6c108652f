"""Repositories in, token shards out; imports no JAX.

Source -> Document, or a row of rejected.parquet -> PackedContext -> TrainingExample -> shards and a manifest.
`pipeline` runs the stages in their order; every other module is one stage, usable alone.
"""
