#pragma once

#include "cpu/kernels.h"
#include "mlx/mlx.h"

namespace mlx_schedules::cpu {

namespace mx = mlx::core;

inline StepType step_type(mx::Dtype t) {
  using Val = mx::Dtype::Val;
  switch (t.val()) {
    case Val::bool_:
    case Val::uint8:
      return Uint8;
    case Val::uint16:
      return Uint16;
    case Val::uint32:
      return Uint32;
    case Val::uint64:
      return Uint64;
    case Val::int8:
      return Int8;
    case Val::int16:
      return Int16;
    case Val::int32:
      return Int32;
    case Val::int64:
      return Int64;
    case Val::float16:
      return Half;
    case Val::bfloat16:
      return Bfloat;
    case Val::float32:
      return Real32;
    default:
      return Real64;
  }
}

} // namespace mlx_schedules::cpu
