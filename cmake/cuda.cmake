# The CUDA backend. It needs no CUDA header or library: MLX compiles the kernels, installed beside the module, at first
# use, and the same binary serves MLX's CPU build, where they are never used.

set(GPU csrc/cuda/eval.cpp csrc/cuda/columns.cpp csrc/cuda/launcher.cpp)
install(DIRECTORY kernels/ DESTINATION mlx_schedules/kernels FILES_MATCHING PATTERN "*.cu" PATTERN "*.h" PATTERN "metal*" EXCLUDE)
