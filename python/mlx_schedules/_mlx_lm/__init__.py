"""Support for training with mlx-lm: forecasts of runs, more schedules in its configs, and resuming."""
