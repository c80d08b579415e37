// Exponential: from r^(s/T), on and on; and Stairs, from r^floor(s/T).
//
// Method. exp(n log(r)/T). The shape is r - 1 as a pair, so that a run of 10^9 steps meets 0.9999 and not the float
// next to it. Stairs count whole lengths in integers: exact for every step to 2^64 - 1 and every whole T.
//
// Accuracy, float32, values from 2^-94 to 2^127, r from 0.1 to 2 and up to 1 - 2^-30, T to 2^32
// (`tests/numerics/eases.py 4_000_000`):
//   largest error seen        0.5004 ULP, of Stairs 0.5003; 1 ULP in float64
//   not correctly rounded     115 and 209 of 7 600 000 results at points chosen to hurt
// No step back, searched as in power.h.
#pragma once

#include "../clock.h"
#include "../explog.h"
#include "weight.h"

struct Exponential { // shape: r - 1
  enum { counts = int(Count::Begin) };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R> per_step, Pair<R> shape, R, R) {
    return product(log(reduced_from(shape)), per_step);
  }

  template <typename R>
  static MLXS_FN Reduced<R> reduced_from(Pair<R> less_one) { // r - 1
    Pair<R> r = fast_two_sum(R(1), less_one.hi);
    r.lo = r.lo + less_one.lo;
    return less_one.hi < R(-0.5) ? reduced(r) : reduced_after_one(less_one);
  }

  template <typename R, typename N>
  static MLXS_FN Factor<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R>) {
    Exp<R> x = exp(product(e.n, rate));
    return {x.change, x.exponent, true};
  }
};

struct Stairs { // shape: r - 1
  enum { counts = int(Count::Lengths) };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R>, Pair<R> shape, R, R) {
    return log(Exponential::reduced_from(shape));
  }

  template <typename R, typename N>
  static MLXS_FN Factor<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R> shape) {
    return Exponential::weight(e, rate, shape);
  }
};
