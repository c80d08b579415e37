// Hold: stays at init. A NaN step gives NaN.
//   ULP bound of Hold: 0; of the larger end for opposite signs 0; in float64 0
#pragma once

#include "../clock.h"
#include "weight.h"

struct Hold {
  enum { counts = int(Count::Nearer), multiplies = 0 };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R>, Pair<R>, R, R) {
    return {R(0), R(0)};
  }

  template <typename R, typename N>
  static MLXS_FN Unchanged<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R>) {
    return {R(1) + product(e.n, rate).hi};
  }
};

template <>
struct IsUnchanged<Hold> {
  enum { value = 1 };
};
