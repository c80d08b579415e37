#pragma once

#include "cpu/columns.h"

namespace mlx_schedules::cpu {

// The loops for this processor's best instruction set.
const Kernels& isa();
const ColumnTable& column_table();

template <typename R>
const ColumnKernels<R>& column_kernels() {
  if constexpr (sizeof(R) == 8) {
    return column_table().wide;
  } else {
    return column_table().narrow;
  }
}

} // namespace mlx_schedules::cpu
