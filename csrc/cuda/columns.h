#pragma once

#include "op.h"
#include "plan.h"

namespace mlx_schedules::cuda {

// Evaluates a schedule of any columns; `axes` lead to every input's element.
void eval_columns(const std::vector<mx::array>& inputs,
                  mx::array& out,
                  const Columns& columns,
                  const Plan& plan,
                  const Axes& axes,
                  mx::Stream s);

} // namespace mlx_schedules::cuda
