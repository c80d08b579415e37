#pragma once

#include "cpu/columns.h"

namespace mlx_schedules::cpu {

// The loops for the best instruction set of this processor.
const Kernels& isa();

template <typename R, template <typename> typename K>
const K<R>& of_type(const Both<K>* kernels) {
  if constexpr (sizeof(R) == 8) {
    return kernels->wide;
  } else {
    return kernels->narrow;
  }
}

} // namespace mlx_schedules::cpu
