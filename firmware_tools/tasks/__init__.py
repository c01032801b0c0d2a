"""The tasks: thin; they parse, call and print. `inv` and `fmq` run the same collection."""
