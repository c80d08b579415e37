// The axes that backends walk to find their operands.
#pragma once

#include "op.h"

namespace mlx_schedules {

struct View { // an input, but for its axis of columns
  mx::Shape shape;
  mx::Strides strides;
  int64_t column_stride; // from one column to the next; 0 where there is one, or all have the same

  bool one_value() const; // for each column
};

// Whether an input of so many axes has the columns for its first.
bool has_columns(const Columns& columns, size_t input, size_t rank);

std::vector<View> views(const std::vector<mx::array>& inputs, const Columns& columns);

// Widens `shape` to what it and `other`, from an axis on, broadcast to; false where they do not.
bool broadcasts_into(mx::Shape& shape, const mx::Shape& other, size_t from);

struct Axes {
  std::vector<int32_t> shape;   // never empty; the kernels never read the outermost entry
  std::vector<int64_t> strides; // one run as long as the shape per input; 0 where it is broadcast
  int64_t reach;                // the largest distance of an element from its input's first

  int64_t stride(size_t input, size_t axis) const { return strides[input * shape.size() + axis]; }
};

// The axes of `shape`, unit ones dropped and neighbours merged wherever every input allows it.
Axes merged_axes(const mx::Shape& shape, const std::vector<View>& inputs);

} // namespace mlx_schedules
