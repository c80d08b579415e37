# The CUDA kernels. They need no CUDA header or library: MLX compiles them, installed beside the Python files, at first
# use, and the same binary serves MLX's CPU build, where they are never used.

install(DIRECTORY kernels/ DESTINATION mlx_schedules/kernels FILES_MATCHING PATTERN "*.cu" PATTERN "*.h" PATTERN metal EXCLUDE PATTERN cpu EXCLUDE
  PATTERN fit EXCLUDE)
