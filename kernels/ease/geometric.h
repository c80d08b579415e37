// Geometric: init (end/init)^(s/T), where init and end have the same sign. Between 0 and any number it is 0, and
// between numbers of different signs NaN.
//
// Method. With L = log(end/init)/T: init exp(n L) in the first half, end exp(-n L) in the second. Both endpoints are
// exact.
//
// Accuracy, float32, no underflow, end/init from 2^-60 to 2^60, T to 2^32 (`tests/numerics/search.py 4_000_000`):
//   ULP bound of Geometric: 0.5005; in float64 1
//   not correctly rounded     135 of 8 000 000 results at points chosen to be hard
// Monotone in the search that power.h describes.
#pragma once

#include "../clock.h"
#include "../explog.h"
#include "weight.h"

struct Geometric {
  enum { counts = int(Count::Nearer), multiplies = 1 };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R> per_step, Pair<R>, R init, R end) {
    R sign = init < R(0) ? R(-1) : R(1);
    init = init * sign;
    end = end * sign;
    bool good = (init > R(0)) & (end > R(0)), to_zero = end == R(0), from_zero = init == R(0);
    const R down = R(5.421010862427522e-20); // 2^-64, because exponent_scale takes numbers up to 2^126 only
    R more = (end > R(1) ? R(64) : R(0)) - (init > R(1) ? R(64) : R(0));
    end = mul(end, end > R(1) ? down : R(1));
    init = mul(init, init > R(1) ? down : R(1));
    R a = mul(end, exponent_scale(end)), b = mul(init, exponent_scale(init)); // in [1, 2)
    R r = reciprocal(rough_inverse(b), b), q = mul(a, r);
    Reduced<R> ratio = reduced(Pair<R>{q, mul(fused(-q, b, a), r)});
    ratio.k = ratio.k + (exponent(end) - exponent(init) + more);
    Pair<R> l = product(log(ratio), per_step);
    R steep = mul(per_step.hi, R(1e37)); // so steep that exp(-steep n) is 0
    R otherwise = from_zero ? steep : R(0) / R(0);
    return {good ? l.hi : (to_zero ? -steep : otherwise), good ? l.lo : R(0)};
  }

  template <typename R, typename N>
  static MLXS_FN Factor<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R>) {
    Exp<R> x = exp(product(e.n, Pair<R>{e.first ? rate.hi : -rate.hi, e.first ? rate.lo : -rate.lo}));
    return {x.change, x.exponent, e.first};
  }
};
