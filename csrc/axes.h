// The axes that backends walk to find their operands.
#pragma once

#include "mlx/mlx.h"

namespace mlx_schedules {

namespace mx = mlx::core;

struct Axes {
  std::vector<int32_t> shape;   // never empty; the kernels never read the outermost entry
  std::vector<int64_t> strides; // one run as long as the shape per operand; 0 where it is broadcast
  int64_t reach;                // the largest distance of an element from its operand's first

  int64_t stride(size_t operand, size_t axis) const { return strides[operand * shape.size() + axis]; }
};

// The axes of `shape`, unit ones dropped and neighbours merged wherever every operand allows it.
Axes merged_axes(const mx::Shape& shape, const std::vector<mx::array>& operands);

} // namespace mlx_schedules
