// A few elements of columns that don't repeat, compiled by NVRTC: one step, for one schedule or a group each. The body
// of a kernel calls `few` in a warp for each element, with a thread for each column. Such a launch lasts as long as it
// takes to fetch its code and numbers. So it has little code, knows the eases when compiled, and reads all columns'
// numbers at once, before it knows which column it needs. The kernel for many steps takes 9.3 us for one, and an
// addition 3.9 us.

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

// `known` has a bit for each ease of the schedule, `by_column` and `by_element` one for each operand that differs
// between columns, between elements. `eases` holds the EaseCodes of the first kPlaces columns, `more` those of the
// others.
template <int known,
          int present,
          int types,
          int by_column,
          int by_element,
          uint64_t eases,
          uint64_t more,
          typename S,
          typename O>
MLXS_FN void few(const S* step, O* out, const void* const* data) {
  int i = blockIdx.x;
  auto o = operands<O, present, types>(data);
#pragma unroll
  for (int k = 0; k < kOperands; k++) {
    bool own = by_element >> k & 1;
    o.at[k] = own ? i : 0;
    o.apart[k] = by_column >> k & 1 ? (own ? gridDim.x : 1) : 0;
  }
  int column = threadIdx.x;
  uint64_t codes = column < kPlaces ? eases : more;
  int ease = codes >> (kEaseBits * (column % kPlaces)) & ((1 << kEaseBits) - 1);
  Numbers n = numbers(o, ease, column);
  auto p = position_of<takes_exact_steps(present, types)>(step[by_element >> kStep & 1 ? i : 0]);
  __syncwarp(); // otherwise the compiler moves most reads to after the column is known
  uint32_t begun = __ballot_sync(~0u >> (kWarp - blockDim.x), column == 0 || reached(p, n.begin));
  if (column == kWarp - 1 - __clz(begun)) {
    out[i] = O(value_any(known, p, enter(known, 0, n)));
  }
}

} // namespace mlx_schedules
