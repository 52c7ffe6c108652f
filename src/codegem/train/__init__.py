"""Token shards in, a trained model out.

`recipe` says what is wanted, `batches` turns a data set into arrays, `optimizer` and `step` are the
arithmetic of one step, `loop` runs the steps and keeps checkpoints, `metrics`, `progress` and `plot` tell
how it goes.
"""
