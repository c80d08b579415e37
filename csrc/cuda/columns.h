#pragma once

#include "op.h"

namespace mlx_schedules::cuda {

// Evaluates a schedule of any columns.
void eval_columns(const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, mx::Stream s);

} // namespace mlx_schedules::cuda
