#pragma once

#include "cpu/columns.h"

namespace mlx_schedules::cpu {

// The loops for this processor's best instruction set.
const Kernels& isa();

template <typename R>
const ColumnKernels<R>& column_kernels() {
  if constexpr (sizeof(R) == 8) {
    return isa().columns->wide;
  } else {
    return isa().columns->narrow;
  }
}

} // namespace mlx_schedules::cpu
