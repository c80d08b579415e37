// Power: the weight f^p with f = s/T, for any p from 0 to 2^24; and ReversePower, its mirror image 1 - (1-f)^p.
//
// Method. L = p log f, where f is n/T in the first half and 1 - n/T in the second, whose logarithm is accurate near 1.
// Where exp(L) is below 1/2, it is the weight from the first endpoint. Elsewhere 1 - exp(L) is the weight from the
// second, computed from the parts of exp and not by subtraction. The nearer endpoint is chosen by weight; choosing it
// by the step would cost 16 ULP for p = 5.
//
// Accuracy, float32, values of one sign (or zero), no underflow, p from 0.05 to 20, T to 2^32, f = 0 or from 2^-120 on
// (`tests/numerics/search.py 4_000_000`):
//   ULP bound of Power: 0.5010; of the larger end for opposite signs 0.5004; in float64 1
//   ULP bound of ReversePower: 0.5007; of the larger end for opposite signs 0.5004; in float64 1
//   not correctly rounded     553 and 528 of 7 900 000 results at points chosen to be hard
// Monotone: no step back in 4 000 segments of each kind, up to 2^29 long, over 10 000 consecutive steps around points
// chosen to be hard.
#pragma once

#include "../clock.h"
#include "../explog.h"
#include "weight.h"

struct Power { // parameter: p
  enum { counts = int(Count::Nearer), multiplies = 0 };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R> per_step, Pair<R>, R, R) {
    return per_step;
  }

  template <typename R, typename N>
  static MLXS_FN Weight<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R> parameter) {
    const R up = R(18446744073709551616.0); // 2^64, so that the low part of a small f doesn't underflow
    Pair<R> raised = product(e.n, times(rate, up));
    Reduced<R> head = reduced(raised), tail = reduced_after_one(negated(product(e.n, rate)));
    R k = e.first ? head.k - R(64) : tail.k;
    Pair<R> a = {e.first ? head.a.hi : tail.a.hi, e.first ? head.a.lo : tail.a.lo};
    Pair<R> l = product(parameter, log(Reduced<R>{a, k}));
    R begin = e.first ? -ExpLog<R>::largest() : l.hi;
    l.hi = raised.hi < R(8.077935669463161e-28) ? begin : l.hi; // 2^-90
    return nearer(exp(l));
  }

  template <typename R>
  static MLXS_FN Weight<R> nearer(Exp<R> x) { // an exp <= 1 as a weight from the nearer endpoint
    R part = nearest(mul(x.exponent, R(0.5)));
    R scale = power_of_two(part), rest = power_of_two(x.exponent - part);
    R two = mul(scale, rest) * R(2); // 2 or 1 wherever the second endpoint is nearer
    bool first = fused(two, x.change.hi, two) < R(1);
    R factor = first ? rest * R(2) : -two;
    Pair<R> twice = fast_two_sum(first ? factor : R(2) - two, mul(factor, x.change.hi));
    return {{twice.hi, fused(factor, x.change.lo, twice.lo)}, first ? scale : R(1), first};
  }
};

struct ReversePower : Power {
  template <typename R, typename N>
  static MLXS_FN Weight<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R> parameter) {
    Weight<R> w = Power::weight(Elapsed<N>{e.n, !e.first}, rate, parameter);
    return {w.twice, w.scale, !w.first};
  }
};
