"""The multi-task network: configuration, blocks, model and weights."""
