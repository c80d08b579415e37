# The CUDA backend: its sources in GPU, the kernels embedded in them. It needs no CUDA header or library: MLX compiles the
# kernels at first use, and the same binary serves MLX's CPU build, where they are never used.

set(CUDA_KERNELS "${PROJECT_SOURCE_DIR}/kernels/cosine_decay.cu")
set(CUDA_SOURCE "${PROJECT_BINARY_DIR}/cuda_source.cpp")
add_custom_command(
  OUTPUT "${CUDA_SOURCE}"
  COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${CUDA_KERNELS}" -DBACKEND=cuda "-DOUTPUT=${CUDA_SOURCE}"
          -P "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
  DEPENDS "${CUDA_KERNELS}" "${PROJECT_SOURCE_DIR}/kernels/cosine_decay.h"
          "${PROJECT_SOURCE_DIR}/kernels/cuda_prelude.h" "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
  VERBATIM)

set(GPU csrc/cuda/eval.cpp "${CUDA_SOURCE}")
