"""A schedule as a graph of MLX's own ops, for exporting, and for releases of MLX without a compiled op."""
