// log and exp of pairs, computed with +, * and fma only: no division, no branch, no library call.
//
// Method. The argument of log is written as 2^k (1 + a) with 1 + a in [sqrt(1/2), sqrt 2]. With z = a/(2+a) and
// v = z^2 <= 0.0295,
//   log(2^k (1 + a)) = k ln 2 + z (2 + v (2/3 + v (2/5 + v p(v))))
// The argument of exp is written as L = k ln 2 + r with |r| <= ln(2)/2; then
//   exp(L) = 2^k (1 + change),    change = expm1(r) = r (1 + r (1/2 + r (1/6 + r p(r))))
// Everything but p is a pair. fit/explog.py finds the coefficients.
//
// Accuracy of the coefficients:     float      double
//   expm1(r)                        2^-36.0    2^-67.7
//   log(1 + a)                      2^-42.9    2^-72.7
// Including all rounding, the largest error seen in an ease is 2^-34 of its value, 0.0010 ULP. log takes arguments from
// 2^-126 to 2^126; exp takes any, down to a result of 0 and up to infinity.
#pragma once

#include "pair.h"

template <typename R, int bytes = sizeof(R)>
struct ExpLog;

template <typename R>
struct ExpLog<R, 4> {
  static MLXS_FN Pair<R> ln2() { return {R(0.693147182f), R(-1.90465421e-09f)}; }
  static MLXS_FN R per_ln2() { return R(1.44269502f); }
  static MLXS_FN R sqrt2() { return R(1.41421354f); }
  static MLXS_FN Pair<R> sixth() { return {R(0.166666672f), R(-4.96705388e-09f)}; }
  static MLXS_FN Pair<R> two_thirds() { return {R(0.666666687f), R(-1.98682155e-08f)}; }
  static MLXS_FN Pair<R> two_fifths() { return {R(0.400000006f), R(-5.96046457e-09f)}; }
  static MLXS_FN R largest() { return R(176.0f); } // just below 254 ln 2
  static MLXS_FN R exp_tail(R x) {
    R p = fused(R(2.50015091e-05f), x, R(0.000198936483f));
    p = fused(p, x, R(0.00138885877f));
    p = fused(p, x, R(0.00833330955f));
    return fused(p, x, R(0.0416666679f));
  }
  static MLXS_FN R log_tail(R x) {
    R p = fused(R(0.192748517f), x, R(0.221977845f));
    return fused(p, x, R(0.285716027f));
  }
};

template <typename R>
struct ExpLog<R, 8> {
  static MLXS_FN Pair<R> ln2() { return {R(0.69314718055994529), R(2.3190468138462996e-17)}; }
  static MLXS_FN R per_ln2() { return R(1.4426950408889634); }
  static MLXS_FN R sqrt2() { return R(1.4142135623730951); }
  static MLXS_FN Pair<R> sixth() { return {R(0.16666666666666666), R(9.2518585385429707e-18)}; }
  static MLXS_FN Pair<R> two_thirds() { return {R(0.66666666666666663), R(3.7007434154171883e-17)}; }
  static MLXS_FN Pair<R> two_fifths() { return {R(0.40000000000000002), R(-2.2204460492503132e-17)}; }
  static MLXS_FN R largest() { return R(1418.0); } // just below 2046 ln 2
  static MLXS_FN R exp_tail(R x) {
    R p = fused(R(1.6089984911390137e-10), x, R(2.0919512817222172e-09));
    p = fused(p, x, R(2.5052060245478338e-08));
    p = fused(p, x, R(2.7557259175514988e-07));
    p = fused(p, x, R(2.7557319259699097e-06));
    p = fused(p, x, R(2.4801587340642151e-05));
    p = fused(p, x, R(0.00019841269841257354));
    p = fused(p, x, R(0.0013888888888877438));
    p = fused(p, x, R(0.008333333333333335));
    return fused(p, x, R(0.041666666666666678));
  }
  static MLXS_FN R log_tail(R x) {
    R p = fused(R(0.11916990749255282), x, R(0.11684302881970653));
    p = fused(p, x, R(0.13335799961794428));
    p = fused(p, x, R(0.15384571947993544));
    p = fused(p, x, R(0.18181818618772366));
    p = fused(p, x, R(0.22222222219916812));
    return fused(p, x, R(0.28571428571433433));
  }
};

// ---------------------------------------------------------------------------------------------------------------

template <typename R>
struct Reduced { // 2^k (1 + a)
  Pair<R> a;
  R k;
};

template <typename R>
MLXS_FN Reduced<R> reduced(Pair<R> x) { // x > 0; for 0 the result is finite but arbitrary
  R top = mul(x.hi, ExpLog<R>::sqrt2());
  x = times(x, exponent_scale(top));
  return {fast_two_sum(x.hi - R(1), x.lo), exponent(top)};
}

template <typename R>
MLXS_FN Reduced<R> reduced_after_one(Pair<R> x) { // 1 + x for x >= -1/2, keeping every digit of a small x
  R top = mul(R(1) + x.hi, ExpLog<R>::sqrt2()), scale = exponent_scale(top);
  R one = scale - R(1), rest = scale - (one + R(1)); // scale - 1 = one + rest
  x = times(x, scale);
  Pair<R> a = fast_two_sum(one, x.hi);
  return {fast_two_sum(a.hi, a.lo + (x.lo + rest)), exponent(top)};
}

// Approximately 1/d, for d from 1.7 to 2.42. It is not a division because devices differ in a quotient's last bits.
template <typename R>
MLXS_FN R inverse(R d) {
  R r = fused(fused(R(0.115992129f), d, R(-0.718835771f)), d, R(1.47407138f)); // within 2^-9.5
  r = fused(r, fused(-r, d, R(1)), r);
  r = fused(r, fused(-r, d, R(1)), r);
  return sizeof(R) == 4 ? r : fused(r, fused(-r, d, R(1)), r);
}

template <typename R>
MLXS_FN Pair<R> log(Reduced<R> x) {
  using C = ExpLog<R>;
  Pair<R> d = fast_two_sum(R(2), x.a.hi);
  d.lo = d.lo + x.a.lo;
  R r = inverse(d.hi), z = mul(x.a.hi, r);
  R zl = mul(fused(-z, d.lo, fused(-z, d.hi, x.a.hi) + x.a.lo), r);
  Pair<R> v = square(Pair<R>{z, zl});
  Pair<R> p = horner(Pair<R>{C::log_tail(v.hi), R(0)}, v, C::two_fifths());
  p = horner(horner(p, v, C::two_thirds()), v, R(2));
  Pair<R> l = product(Pair<R>{z, zl}, p), turns = product(x.k, C::ln2());
  Pair<R> s = fast_two_sum(turns.hi, l.hi);
  return {s.hi, s.lo + (turns.lo + l.lo)};
}

template <typename R>
struct Exp { // 2^exponent (1 + change)
  Pair<R> change;
  R exponent;
};

// l is clipped to the range whose exponents `scaled` takes.
template <typename R>
MLXS_FN Exp<R> exp(Pair<R> l) {
  using C = ExpLog<R>;
  R hi = l.hi < -C::largest() ? -C::largest() : l.hi;
  hi = hi > C::largest() ? C::largest() : hi;
  R lo = hi == l.hi ? l.lo : R(0);
  R k = nearest(mul(hi, C::per_ln2()));
  Pair<R> r = fast_two_sum(fused(-k, C::ln2().hi, hi), fused(-k, C::ln2().lo, lo)); // the first is exact
  Pair<R> p = horner(Pair<R>{C::exp_tail(r.hi), R(0)}, r, C::sixth());
  p = horner(horner(p, r, R(0.5)), r, R(1));
  return {product(r, p), k};
}
