// Schedules of any columns with any strides, compiled by NVRTC. The body of a kernel calls `general`. `known`
// has a bit for each ease of the schedule; no other ease is compiled.

namespace mlx_schedules {

#include "operands.h"

template <int known, typename P, typename Operands>
MLXS_FN float move(Cursor& c, P p, const Fold& f, const Operands& o) {
  p = repeated(p, f);
  if (!stays(p, c)) {
    c = enter(known, column_of(p, o), o);
  }
  return value_any(known, p, c);
}

// I is the type that counts elements.
template <int known, int present, int types, typename I, typename S, typename O, typename Shape, typename Strides>
MLXS_FN void general(const S* step,
                     O* out,
                     const void* const* data,
                     int ndim, // including the axis of the columns
                     const Shape& shape,
                     const int* about,
                     const Strides* const* strides) {
  auto o = operands<O, present, types>(about, data, strides, ndim - 1);
  bool same = true;
#pragma unroll
  for (int k = kStep + 1; k < kOperands; k++) {
    same = same && (!o.has(k) || (*strides[k])[0] == 0);
  }
  Walk<I> w = walk_of<I>(ndim - 1, shape, same);
  for (I first = w.first; first < w.end; first += w.stride) {
    int64_t at[kOperands] = {};
    places<kOperands, present>(first, ndim - 1, shape, strides, at);
#pragma unroll
    for (int k = 0; k < kOperands; k++) {
      o.at[k] = at[k];
    }
    const Fold f = fold(o);
    const S* s = step + at[kStep];
    int64_t apart = int64_t(w.entries) * (*strides[kStep])[0];
    I last = min(w.n, first + w.length);
    Cursor c;
    c.column = -1;
    for (I i = first; i < last; i += w.by, s += apart) {
      out[i] = O(move<known>(c, position_of<takes_exact_steps(present, types)>(*s), f, o));
    }
  }
}

} // namespace mlx_schedules
