// Evaluates schedules of any columns.
#pragma once

#include "cuda/launcher.h"

namespace mlx_schedules::cuda {

void eval_columns(const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, mx::Stream s);

// Evaluates a few elements of a few columns. Returns false, having done nothing, for anything else.
bool eval_few(const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, mx::Stream s);

// What the compiler is told about a schedule, in both cases.
Kernel kernel_of(Variant variant, const std::vector<mx::array>& inputs, const Columns& columns);

} // namespace mlx_schedules::cuda
