// Linear: the weight s/T.
//
// Method. n/T, where n is the distance to the nearer endpoint and 1/T is a pair.
//
// Accuracy, float32, values of one sign (or zero), no underflow, T to 2^32 (`tests/numerics/search.py 4_000_000`):
//   ULP bound of Linear: 0.5001; of the larger end for opposite signs 0.5001; in float64 1
//   not correctly rounded     259 of 8 000 000 results at points chosen to be hard: near ties
// Monotone in the search that power.h describes.
#pragma once

#include "../clock.h"
#include "weight.h"

struct Linear {
  enum { counts = int(Count::Nearer), multiplies = 0 };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R> per_step, Pair<R>, R, R) { // 2/T, so that twice the weight = rate (scale n)
    return times(per_step, R(2));
  }

  template <typename R, typename N>
  static MLXS_FN Weight<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R>) {
    return {product(e.n, rate), R(1), e.first};
  }
};
