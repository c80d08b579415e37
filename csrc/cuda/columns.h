// Kernels that evaluate schedules of any columns.
#pragma once

#include "cuda/launcher.h"

namespace mlx_schedules::cuda {

void eval_columns(const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, mx::Stream s);

// False, having done nothing, where that is not a single element of columns that it takes.
bool eval_one(const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, mx::Stream s);

// What both have in common: what of a schedule the compiler is told.
Kernel kernel_of(Variant variant, const std::vector<mx::array>& inputs, const Columns& columns);

} // namespace mlx_schedules::cuda
