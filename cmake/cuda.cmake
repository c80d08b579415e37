# The CUDA kernels. They are installed beside the Python files, and MLX compiles them at first use, so that the build
# needs no CUDA header or library. The same wheel serves MLX's CPU build, which never uses them.

install(DIRECTORY kernels/ DESTINATION mlx_schedules/kernels FILES_MATCHING PATTERN "*.cu" PATTERN "*.h" PATTERN metal EXCLUDE PATTERN cpu EXCLUDE
  PATTERN fit EXCLUDE)
