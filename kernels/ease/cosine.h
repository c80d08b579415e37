// Cosine: the weight sin^2(pi/2 s/T).
//
// Method. Let n be the distance to the nearer endpoint and v = (pi/2 n/T)^2 <= (pi/4)^2. The weight from that endpoint
//   w = sin^2(sqrt v) = v (1 + v R(v)),    R(v) ~ C2 + (v - c) p(v - c)
// loses nothing to cancellation at either endpoint. c is chosen so that C2 = R(c) and, in float, p(0) = R'(c) are
// within 2^-12 of their last place of a representable number, and so need no low part. v, 1 + vR and w are carried as
// pairs. Only p is a single number; its last bit weighs less than 2^-31 of the value.
//
// Accuracy, float32, values of one sign (or zero), no underflow, T to 2^40 (`python tests/numerics/test_accuracy.py`):
//   degree in v               6; 9 in float64
//   error before rounding     2^-37.7 of the weight by the coefficients, 2^-31.1 with all rounding in between
//   ULP bound of Cosine: 0.5072; of the larger end for opposite signs 0.5023; in float64 1
//   not correctly rounded     503 of 1 273 632 results at points chosen to be hard, 0.039 %
// If init and end have opposite signs, the relative error is large near the zero between them.
// Monotone in the step wherever neighbouring values differ by more than 2^-31, which holds for T up to at least 2^29.
#pragma once

#include "../clock.h"
#include "weight.h"

template <typename R, int bytes = sizeof(R)>
struct CosineCoefficients; // of 2R, found by fit/cosine.py

template <typename R>
struct CosineCoefficients<R, 4> {
  static MLXS_FN Pair<R> half_pi_squared() { return {R(2.46740103f), R(7.2592897e-08f)}; }
  static MLXS_FN R center() { return R(0.320358217f); }
  static MLXS_FN R c2() { return R(-0.638832808f); }
  static MLXS_FN R tail(R x) {
    R p = fused(R(-8.21028334e-06f), x, R(0.000271429715f));
    p = fused(p, x, R(-0.00608321f));
    return fused(p, x, R(0.0849066153f));
  }
};

template <typename R>
struct CosineCoefficients<R, 8> {
  static MLXS_FN Pair<R> half_pi_squared() { return {R(2.4674011002723395), R(1.5663238771849278e-16)}; }
  static MLXS_FN R center() { return R(0.31250148732215166); }
  static MLXS_FN R c2() { return R(-0.6395002714760648); }
  static MLXS_FN R tail(R x) {
    R p = fused(R(3.976732886427418e-11), x, R(-3.0439287659287696e-09));
    p = fused(p, x, R(1.8214689629082814e-07));
    p = fused(p, x, R(-8.262012069791906e-06));
    p = fused(p, x, R(0.0002716796338562058));
    p = fused(p, x, R(-0.00608960838590434));
    return fused(p, x, R(0.08500225383181322));
  }
};

struct Cosine {
  enum { counts = int(Count::Nearer), multiplies = 0 };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R> per_step, Pair<R>, R, R) { // (pi/2 / T)^2, so that v = rate (scale n)^2
    Pair<R> rate = product(CosineCoefficients<R>::half_pi_squared(), square(per_step));
    return fast_two_sum(rate.hi, rate.lo);
  }

  template <typename R, typename N>
  static MLXS_FN Weight<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R>) {
    using C = CosineCoefficients<R>;
    Pair<R> v = product(rate, square(e.n));
    R x = v.hi - C::center(); // inexact only where v is so small that the tail has no weight
    R p = C::tail(x), r = fused(x, p, C::c2());
    Pair<R> twice = {r, fused(v.lo, p, fused(x, p, C::c2() - r))}; // 2R
    return {product(v, horner(twice, v, R(2))), R(1), e.first};
  }
};
