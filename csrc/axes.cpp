#include "axes.h"

#include <algorithm>
#include <cstdlib>

namespace mlx_schedules {

namespace {

struct Axis {
  int64_t size;
  std::vector<int64_t> strides; // by input
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

// A merged axis must still fit the kernels' 32-bit shapes.
bool merges(const Axis& outer, const Axis& inner) {
  for (size_t k = 0; k < inner.strides.size(); k++) {
    if (outer.strides[k] != inner.strides[k] * inner.size) {
      return false;
    }
  }
  return outer.size * inner.size <= INT32_MAX;
}

} // namespace

bool has_columns(const Columns& columns, size_t input, size_t rank) {
  auto k = columns.operands[input];
  return columns.eases.size() > 1 && rank > 0 && k != kStep && k != kPeriod && k != kPeriodRest;
}

std::vector<View> views(const std::vector<mx::array>& inputs, const Columns& columns) {
  std::vector<View> found;
  for (size_t i = 0; i < inputs.size(); i++) {
    auto& a = inputs[i];
    View v{a.shape(), a.strides(), 0};
    if (has_columns(columns, i, a.ndim())) {
      v.column_stride = v.shape[0] == 1 ? 0 : v.strides[0];
      v.shape.erase(v.shape.begin());
      v.strides.erase(v.strides.begin());
    }
    found.push_back(std::move(v));
  }
  return found;
}

bool broadcasts_into(mx::Shape& shape, const mx::Shape& other, size_t from) {
  size_t rank = other.size() - from;
  if (rank > shape.size()) {
    shape.insert(shape.begin(), rank - shape.size(), 1);
  }
  for (size_t i = from; i < other.size(); i++) {
    int& n = shape[shape.size() - other.size() + i];
    if (n != 1 && other[i] != 1 && n != other[i]) {
      return false;
    }
    n = n == 1 ? other[i] : n;
  }
  return true;
}

Axes merged_axes(const mx::Shape& shape, const std::vector<View>& operands) {
  std::vector<Axis> list;
  for (size_t i = 0; i < shape.size(); i++) {
    if (shape[i] == 1) {
      continue;
    }
    Axis axis{shape[i], {}};
    for (auto& a : operands) {
      size_t extra = shape.size() - a.shape.size();
      axis.strides.push_back(i < extra || a.shape[i - extra] == 1 ? 0 : a.strides[i - extra]);
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
