// Exponential: init r^(s/T), without end; and Stairs: init r^floor(s/T).
//
// Method. exp(n log(r)/T). The parameter is r - 1 as a pair, so that even over 10^9 steps r = 0.9999 means 0.9999 and
// not the float nearest to it. For r < 1/2 it is -2^126 r instead (in double -2^1022 r), a number of at most -2 that
// keeps every digit of r, even of 1e-8. Stairs counts whole lengths in integers: exactly, for every step up to 2^64 - 1
// and every whole T.
//
// Accuracy, float32, values from 2^-94 to 2^127, r from 2^-125 to 2 and up to 1 - 2^-30, T to 2^32
// (`tests/numerics/search.py 4_000_000`):
//   ULP bound of Exponential: 0.5004; in float64 1
//   ULP bound of Stairs: 0.5005; in float64 1
//   not correctly rounded     115 and 209 of 7 600 000 results at points chosen to be hard
// Monotone in the search that power.h describes.
#pragma once

#include "../clock.h"
#include "../explog.h"
#include "weight.h"

struct Exponential { // parameter: r - 1 or -2^126 r
  enum { counts = int(Count::Begin), multiplies = 1 };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R> per_step, Pair<R> parameter, R, R) {
    return product(log(reduced_from(parameter)), per_step);
  }

  template <typename R>
  static MLXS_FN Reduced<R> reduced_from(Pair<R> parameter) { // r > 0
    bool raised = parameter.hi <= R(-2);
    Pair<R> r = fast_two_sum(R(1) + parameter.hi, parameter.lo); // exact for r < 1/2, where it is used
    Reduced<R> small = reduced(Pair<R>{raised ? -parameter.hi : r.hi, raised ? -parameter.lo : r.lo});
    small.k = small.k - (raised ? (sizeof(R) == 4 ? R(126) : R(1022)) : R(0));
    Reduced<R> x = reduced_after_one(parameter);
    bool apart = parameter.hi < R(-0.5);
    return {{apart ? small.a.hi : x.a.hi, apart ? small.a.lo : x.a.lo}, apart ? small.k : x.k};
  }

  template <typename R, typename N>
  static MLXS_FN Factor<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R>) {
    Exp<R> x = exp(product(e.n, rate));
    return {x.change, x.exponent, true};
  }
};

struct Stairs : Exponential { // with the same weight
  enum { counts = int(Count::Lengths), multiplies = 1 };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R>, Pair<R> parameter, R, R) {
    return log(reduced_from(parameter));
  }
};
