#include "axes.h"

#include <algorithm>
#include <cstdlib>

namespace mlx_schedules {

namespace {

struct Axis {
  int64_t size;
  std::vector<int64_t> strides; // by operand
};

Axes made_of(const std::vector<Axis>& list, size_t operands) {
  Axes axes{{}, {}, 0};
  for (auto& axis : list) {
    axes.shape.push_back(static_cast<int32_t>(axis.size));
  }
  for (size_t k = 0; k < operands; k++) {
    int64_t reach = 0;
    for (auto& axis : list) {
      axes.strides.push_back(axis.strides[k]);
      reach += (axis.size - 1) * std::abs(axis.strides[k]);
    }
    axes.reach = std::max(axes.reach, reach);
  }
  return axes;
}

// No axis is longer than what the kernels' 32-bit shape holds.
bool merges(const Axis& outer, const Axis& inner) {
  for (size_t k = 0; k < inner.strides.size(); k++) {
    if (outer.strides[k] != inner.strides[k] * inner.size) {
      return false;
    }
  }
  return outer.size * inner.size <= INT32_MAX;
}

} // namespace

Axes merged_axes(const mx::Shape& shape, const std::vector<mx::array>& operands) {
  std::vector<Axis> list;
  for (size_t i = 0; i < shape.size(); i++) {
    if (shape[i] == 1) {
      continue;
    }
    Axis axis{shape[i], {}};
    for (auto& a : operands) {
      size_t extra = shape.size() - a.ndim();
      axis.strides.push_back(i < extra || a.shape(i - extra) == 1 ? 0 : a.strides()[i - extra]);
    }
    if (!list.empty() && merges(list.back(), axis)) {
      axis.size *= list.back().size;
      list.pop_back();
    }
    list.push_back(std::move(axis));
  }
  if (list.empty()) {
    list.push_back({1, std::vector<int64_t>(operands.size(), 0)});
  }
  return made_of(list, operands.size());
}

} // namespace mlx_schedules
