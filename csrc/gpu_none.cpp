// Stands in for a GPU backend where none is built in.

#include "gpu.h"
#include "op.h"

namespace mlx_schedules {

void Schedule::eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) {
  throw std::runtime_error("[schedule] This build has no GPU backend: pass stream=mx.cpu.");
}

std::string gpu_kernels() {
  return "";
}

} // namespace mlx_schedules
