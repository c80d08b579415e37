// The output's memory, decided alike by the CPU's and Metal's backends.
#pragma once

#include "mlx/mlx.h"

namespace mlx_schedules {

namespace mx = mlx::core;

// Whether init, decay_steps and end hold one value each, whatever their shapes.
bool uniform(const std::vector<mx::array>& inputs);

struct Memory {
  bool dense;   // uniform, and the steps lie without gaps, in whatever order: the output lies alike
  bool donated; // it is the steps' own
};

Memory give_memory(const std::vector<mx::array>& inputs, mx::array& out);

} // namespace mlx_schedules
