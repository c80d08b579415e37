// A single step of columns that don't repeat, compiled by NVRTC. The body of a kernel calls `one` in one warp, with a
// thread for each column. Such a launch lasts as long as it takes to fetch its code and numbers. So it has little code,
// knows the eases when compiled, and reads all columns' numbers at once, before it knows which column it needs. The
// kernel for many steps takes 9.3 us for the same, and an addition 3.9 us.

namespace mlx_schedules {

#include "operands.h"

struct Numbers { // of one column
  int ease, columns;
  float init, end;
  Time<float> length, begin, lead;
  float parameter, parameter_rest;
};

MLXS_FN int ease_of(const Numbers& n, int) {
  return n.ease;
}
MLXS_FN float value_of(const Numbers& n, int k, int) {
  return k == kInit ? n.init : n.end;
}
MLXS_FN float real_of(const Numbers& n, int k, int) {
  return k == kParameter ? n.parameter : n.parameter_rest;
}
MLXS_FN Time<float> time_of(const Numbers& n, int k, int, int) {
  return k == kLength ? n.length : (k == kBegin ? n.begin : n.lead);
}

template <typename Operands>
MLXS_FN Numbers numbers(const Operands& o, int ease, int column) {
  return {ease,
          1,
          value_of(o, kInit, column),
          value_of(o, kEnd, column),
          time_of(o, kLength, kLengthRest, column),
          time_of(o, kBegin, kBeginRest, column),
          time_of(o, kLead, kLeadRest, column),
          real_of(o, kParameter, column),
          real_of(o, kParameterRest, column)};
}

// `known` has a bit for each ease of the schedule, `apart` one for each operand whose columns are adjacent in memory;
// the other operands have one number for all columns. `eases` holds the EaseCodes of the first kPlaces columns, `more`
// those of the others.
template <int known, int present, int types, int apart, uint64_t eases, uint64_t more, typename S, typename O>
MLXS_FN void one(const S* step, O* out, const void* const* data) {
  auto o = operands<O, present, types>(data);
#pragma unroll
  for (int k = 0; k < kOperands; k++) {
    o.apart[k] = apart >> k & 1;
  }
  int column = threadIdx.x;
  uint64_t codes = column < kPlaces ? eases : more;
  int ease = codes >> (kEaseBits * (column % kPlaces)) & ((1 << kEaseBits) - 1);
  Numbers n = numbers(o, ease, column);
  auto p = position_of<takes_exact_steps<present, types>()>(*step);
  __syncwarp(); // otherwise the compiler moves most reads to after the column is known
  uint32_t begun = __ballot_sync(~0u >> (kWarp - blockDim.x), column == 0 || reached(p, n.begin));
  if (column == kWarp - 1 - __clz(begun)) {
    *out = O(value_any(known, p, enter(known, 0, n)));
  }
}

} // namespace mlx_schedules
