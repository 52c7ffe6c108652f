"""Token shards in, a trained model out.

`recipe` says what is wanted, `batches` turns a data set into arrays and `feeding` has them ready, `optimizer` and
`step` are the arithmetic of one step, `loop` runs the steps of whatever is trained. `saving` keeps checkpoints,
`stopping` hears signals, `telling` with `metrics`, `progress` and `plot` says how it goes. `pretraining`, `tune`,
`preference` and `reinforce` are what `codegem train` and `codegem tune` do with it.
"""
