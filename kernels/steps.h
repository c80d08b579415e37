// Numbers of steps in fixed point, to 2^-64, so that sums, differences, multiples and comparisons are exact for whole
// and fractional steps alike. Fractions are rounded down, so that whatever begins or ends at a step has begun or ended
// when that step is reached.
#pragma once

#include "pair.h"

struct Steps {
  uint64_t whole, fraction; // the fraction in units of 2^-64
};

MLXS_FN bool before(Steps a, Steps b) {
  return (a.whole < b.whole) | ((a.whole == b.whole) & (a.fraction < b.fraction));
}

MLXS_FN Steps less(Steps a, Steps b) { // a - b
  return {a.whole - b.whole - (a.fraction < b.fraction ? 1 : 0), a.fraction - b.fraction};
}

MLXS_FN Steps plus(Steps a, Steps b) {
  uint64_t fraction = a.fraction + b.fraction;
  return {a.whole + b.whole + (fraction < a.fraction ? 1 : 0), fraction};
}

MLXS_FN uint32_t high_product(uint32_t a, uint32_t b) {
  return uint32_t((uint64_t(a) * b) >> 32);
}

MLXS_FN uint64_t high_product(uint64_t a, uint64_t b) {
  uint64_t al = uint32_t(a), ah = a >> 32, bl = uint32_t(b), bh = b >> 32;
  uint64_t low = al * bl, one = ah * bl + (low >> 32), two = al * bh + uint32_t(one);
  return ah * bh + (one >> 32) + (two >> 32);
}

MLXS_FN Steps multiple(Steps a, uint64_t count) {
  return {a.whole * count + high_product(a.fraction, count), a.fraction * count};
}

// ---- Conversion to and from reals

template <typename R>
MLXS_FN Pair<R> split(uint32_t n) { // exact, hi being the nearest R; n < 2^31
  return fast_two_sum(R(int32_t(n & 0xffffff00u)), R(int32_t(n & 0xffu)));
}

template <typename R>
MLXS_FN Pair<R> split_any(uint32_t n) { // the same for any n
  return fast_two_sum(mul(R(int32_t(n >> 16)), R(65536)), R(int32_t(n & 0xffffu)));
}

template <typename R>
MLXS_FN Pair<R> split(uint64_t n) { // exact below 2^48; in double always exact
  R a = mul(R(int32_t(n >> 40)), R(1099511627776.0));
  R b = mul(R(int32_t((n >> 16) & 0xffffffu)), R(65536));
  Pair<R> s = fast_two_sum(a, b);
  return fast_two_sum(s.hi, s.lo + R(int32_t(n & 0xffffu)));
}

template <typename R>
MLXS_FN Pair<R> split_any(uint64_t n) {
  return split<R>(n);
}

template <typename R>
MLXS_FN Pair<R> pair_of_fraction(uint64_t fraction) {
  return times(split<R>(fraction), R(5.421010862427522e-20)); // 2^-64
}

template <typename R>
MLXS_FN Pair<R> with_part(Pair<R> whole, Pair<R> part) { // to a relative error of 2^-48
  Pair<R> s = fast_two_sum(whole.hi, whole.lo + part.hi);
  return {s.hi, s.lo + part.lo};
}

template <typename R>
MLXS_FN Pair<R> pair_of(Steps n) {
  return with_part(split<R>(n.whole), pair_of_fraction<R>(n.fraction));
}

template <typename R>
MLXS_FN Steps steps_of(R n) { // 0 <= n < 2^64; cuts off what is below 2^-64
  uint64_t whole = uint64_t(n);
  return {whole, uint64_t(mul(n - R(whole), R(18446744073709551616.0)))};
}

// ---- Division

struct Division {
  uint64_t count;
  Steps rest;
};

// Divides n by a positive number, for counts up to 2^63. Each round takes away all but about 2^-20 of what is left, and
// never too much; counts below 2^20 need two rounds.
template <typename R>
MLXS_FN Division division(Steps n, Steps by) {
  R inverse = mul(one_over(pair_of<R>(by).hi), R(0.99999905)); // 2^-20 lower, against rounding
  Division d = {0, n};
  for (int turn = 0; turn < 8 && !before(d.rest, by); turn++) {
    R about = mul(pair_of<R>(d.rest).hi, inverse);
    uint64_t count = about < R(9223372036854775808.0) ? uint64_t(about) : uint64_t(1) << 63;
    count = count > 0 ? count : 1;
    d = {d.count + count, less(d.rest, multiple(by, count))};
  }
  return d;
}

// Folds n into the period that starts at `begin`. Rounding the period down to 2^-64 leaves up to 2^-64 too much for
// each of the `count` periods taken away, so a rest that small counts as 0.
template <typename R>
MLXS_FN Steps folded(Steps n, Steps begin, Steps period) {
  bool once = before(n, begin) | ((period.whole | period.fraction) == 0);
  if (once) {
    return n;
  }
  Division d = division<R>(less(n, begin), period);
  bool none = (d.rest.whole == 0) & (d.rest.fraction <= d.count);
  return plus(begin, Steps{none ? uint64_t(0) : d.rest.whole, none ? uint64_t(0) : d.rest.fraction});
}
