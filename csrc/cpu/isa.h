#pragma once

#include "cpu/kernels.h"

namespace mlx_schedules::cpu {

// The loops for this processor's best instruction set.
const Kernels& isa();

} // namespace mlx_schedules::cpu
