// InversePower: init (1 + s/T)^-p, without end, for any p from 0 to 2^24; p = 1/2 is the inverse square root.
//
// Method. exp(-p log(1 + n/T)). The logarithm is accurate where n/T is small, too.
//
// Accuracy, float32, values from 2^-94 on, p from 0.05 to 20, T to 2^32 (`tests/numerics/search.py 4_000_000`):
//   ULP bound of InversePower: 0.5005; in float64 1
//   not correctly rounded     435 of 7 600 000 results at points chosen to be hard
// Monotone in the search that power.h describes.
#pragma once

#include "../clock.h"
#include "../explog.h"
#include "weight.h"

struct InversePower { // parameter: p
  enum { counts = int(Count::Begin), multiplies = 1 };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R> per_step, Pair<R>, R, R) {
    return per_step;
  }

  template <typename R, typename N>
  static MLXS_FN Factor<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R> parameter) {
    Pair<R> l = log(reduced_after_one(product(e.n, rate)));
    Exp<R> x = exp(product(negated(parameter), l));
    return {x.change, x.exponent, true};
  }
};
