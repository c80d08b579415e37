// The axes along which backends walk through the inputs.
#pragma once

#include "op.h"

namespace mlx_schedules {

struct View { // an input without its axis of columns
  mx::Shape shape;
  mx::Strides strides;
  int64_t column_stride; // from one column to the next; 0 if all columns have the same number
};

// Whether the first axis of an input, which has `rank` axes, is that of the columns.
bool has_columns(const Columns& columns, size_t input, size_t rank);

std::vector<View> views(const std::vector<mx::array>& inputs, const Columns& columns);

// Widens `shape` to what it and the axes of `other` from `from` on broadcast to. Returns false if they don't broadcast.
bool broadcasts_into(mx::Shape& shape, const mx::Shape& other, size_t from);

struct Axes {
  std::vector<int32_t> shape;   // never empty; kernels don't read the outermost entry
  std::vector<int64_t> strides; // as many as the shape has entries, for each input in turn; 0 where it is broadcast
  int64_t reach;                // the largest distance of an element from the first element of its input

  int64_t stride(size_t input, size_t axis) const { return strides[input * shape.size() + axis]; }
};

// The axes of `shape` without unit axes, and with neighbours merged where every input's strides allow it.
Axes merged_axes(const mx::Shape& shape, const std::vector<View>& inputs);

} // namespace mlx_schedules
