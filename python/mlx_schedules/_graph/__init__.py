"""A schedule as a graph of MLX's own ops: what is exported, and what serves an MLX that there is no compiled op for."""
