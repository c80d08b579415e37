// A segment: one ease from one value to another. `prepare` runs once, the other functions give the value at a step.
#pragma once

#include "clock.h"
#include "eases.h"
#include "pair.h"

template <typename R>
struct Segment { // what all steps share
  Clock<R> clock;
  Pair<R> rate, parameter; // of the ease
  R init, end;             // for an ease that multiplies, each divided by 2^exponent
  Pair<R> half_range;      // (init - end) / 2; for an ease that multiplies, the exponents of init and end
};

// By which power of two an ease that multiplies scales an endpoint, so that its products with 1 + change, and their low
// parts, are normal and finite: values can then grow from 2^-126 and shrink from 2^128 without loss. 0 for endpoints
// from 2^-100 to 2^126.
template <typename R>
MLXS_FN R spare_exponent(R end) {
  R size = end < R(0) ? -end : end;
  R small = sizeof(R) == 4 ? R(7.888609052210118e-31) : R(1.183053e-271);       // 2^-100, 2^-900
  R large = sizeof(R) == 4 ? R(8.507059173023462e37) : R(4.49423283715579e307); // 2^126, 2^1022
  return size < small ? (sizeof(R) == 4 ? R(-48) : R(-106)) : (size >= large ? R(1) : R(0));
}

// A segment whose T is NaN, <= 0 or below 2^-60 (where (1/T)^2 overflows) has already ended: its value is `end` at
// every step. For eases that never end, the parameter 0 achieves that.
template <typename E, typename R>
MLXS_FN Segment<R> prepare(Time<R> length, R init, R end, Pair<R> parameter = Pair<R>{R(0), R(0)}) {
  bool positive = length.value.hi >= R(8.673617379884035e-19);
  Pair<R> t = {positive ? length.value.hi : R(1), positive ? length.value.lo : R(0)};
  Segment<R> s;
  s.clock.length = {{positive ? length.steps.whole : uint64_t(1), positive ? length.steps.fraction : uint64_t(0)}, t};
  s.clock.part = mul(split<R>(s.clock.length.steps.fraction).hi, R(5.421010862427522e-20)); // 2^-64
  s.parameter = {positive ? parameter.hi : R(0), positive ? parameter.lo : R(0)};
  s.init = positive ? init : end;
  s.end = end;
  s.half_range = two_sum(mul(s.init, R(0.5)), mul(end, R(-0.5)));

  R scale = exponent_scale(t.hi);
  // Tests `length` and not `t`: GCC would thread the two selections and vectorise no loop that calls this.
  bool narrow = (length.value.hi <= R(33554432)) & (length.value.hi >= R(1));
  s.clock.scale = narrow ? R(1) : scale;
  t = times(t, scale);
  R r = reciprocal(rough_inverse(t.hi), t.hi); // 1/T = r + rl
  R rl = mul(fused(-r, t.lo, fused(-r, t.hi, R(1))), r);
  s.rate = E::rate(times(Pair<R>{r, rl}, narrow ? scale : R(1)), s.parameter, s.init, s.end);
  uint64_t whole = s.clock.length.steps.whole;
  bool lengths = E::counts == int(Count::Lengths);
  s.clock.per_step = {lengths ? mul(r, scale) : R(0), lengths ? mul(rl, scale) : R(0)};
  s.clock.inverse = lengths ? ~uint64_t(0) / (whole > 0 ? whole : uint64_t(1)) : uint64_t(0);
  if (E::multiplies) {
    s.half_range = {spare_exponent(s.init), spare_exponent(s.end)};
    s.init = mul(s.init, power_of_two(-s.half_range.hi));
    s.end = mul(s.end, power_of_two(-s.half_range.lo));
  }
  return s;
}

// init + (end - init) w or end + (init - end) w, rounded once. Either term may be the larger, since the endpoint that w
// counts from may be 0.
template <typename R>
MLXS_FN R finish(Weight<R> w, Segment<R> s) {
  R base = w.first ? s.init : s.end, sign = w.first ? R(-1) : R(1); // a sign saves selecting h and hl
  Pair<R> p = product(Pair<R>{s.half_range.hi * w.scale, s.half_range.lo * w.scale}, w.twice);
  R y = fused(sign, p.hi, base);
  R z = y - base;
  return y + fused(sign, p.lo, (base - (y - z)) + fused(sign, p.hi, -z));
}

// The same bits in 10 operations instead of 14, where one endpoint is 0 and half of the other is exact, so that the
// second term never exceeds the first.
template <typename R>
MLXS_FN R finish_with_zero_end(Weight<R> w, Segment<R> s) {
  R base = w.first ? s.init : s.end, h = (w.first ? -s.half_range.hi : s.half_range.hi) * w.scale;
  Pair<R> p = product(h, w.twice), y = fast_two_sum(base, p.hi);
  return y.hi + (y.lo + p.lo);
}

template <typename R>
MLXS_FN bool has_zero_end(Segment<R> s) {
  return ((s.init == R(0)) | (s.end == R(0))) & (s.half_range.lo == R(0));
}

// An endpoint times 2^exponent (1 + change), rounded once.
template <typename R>
MLXS_FN R finish(Factor<R> f, Segment<R> s) {
  R base = f.first ? s.init : s.end;
  R k = f.exponent + (f.first ? s.half_range.hi : s.half_range.lo);
  Pair<R> y = horner(f.change, base, base);
  return scaled(y.hi + y.lo, k);
}

template <typename R>
MLXS_FN R finish(Unchanged<R> u, Segment<R> s) {
  return mul(s.init, u.one);
}

template <typename E, typename R, typename N>
MLXS_FN R value_at(Elapsed<N> e, Segment<R> s) {
  return finish(E::weight(e, s.rate, s.parameter), s);
}

// The value at an integer step, where T is whole and, for Span::Narrow, at most 2^25. U is uint32_t where steps and T
// are below 2^32, otherwise uint64_t.
template <typename E, Span span, typename R, typename U>
MLXS_FN R value_on(U step, Segment<R> s) {
  if (IsUnchanged<E>::value) {
    return s.init;
  }
  if (E::counts == int(Count::Lengths)) {
    return value_at<E>(elapsed_lengths(step, s.clock), s);
  }
  if (E::counts == int(Count::Begin)) {
    return value_at<E>(elapsed_on(step, s.clock), s);
  }
  if (span == Span::Narrow) {
    return value_at<E>(elapsed_narrow(uint32_t(step), s.clock), s);
  }
  return value_at<E>(elapsed_whole(step, s.clock), s);
}

// The value at a step of any kind, for any T.
template <typename E, typename R>
MLXS_FN R exact_value_on(Steps step, R more, Segment<R> s) {
  if (E::counts == int(Count::Lengths)) {
    return value_at<E>(elapsed_exact_lengths(step, more, s.clock), s);
  }
  if (E::counts == int(Count::Begin)) {
    return value_at<E>(elapsed_exact_on(step, more, s.clock), s);
  }
  return value_at<E>(elapsed_exact(step, more, s.clock), s);
}

// The value at an integer step, where T is whole or fits a single R. (Count::Lengths ignores T's fraction.)
template <typename E, Span span, typename R, typename U>
MLXS_FN R integer_value_on(U step, Segment<R> s) {
  bool wide = E::counts == int(Count::Nearer) && !IsUnchanged<E>::value && span != Span::Narrow;
  return wide ? value_at<E>(elapsed_wide(step, s.clock), s) : value_on<E, span>(step, s);
}

template <typename E, Span span, typename S, typename R>
MLXS_FN R integer_value(S step, Segment<R> s) {
  bool endless = E::counts != int(Count::Nearer);
  if (span == Span::Wide64 || (endless && sizeof(S) == 8)) {
    return integer_value_on<E, Span::Wide64>(clipped<uint64_t>(step), s);
  }
  return integer_value_on<E, span>(clipped<uint32_t>(step), s);
}

template <typename E, typename R>
MLXS_FN R real_value_on(Pair<R> step, Segment<R> s) {
  if (E::counts == int(Count::Lengths)) {
    return value_at<E>(elapsed_real_lengths(step, s.clock), s);
  }
  if (E::counts == int(Count::Begin)) {
    return value_at<E>(elapsed_real_on(step, s.clock), s);
  }
  return value_at<E>(elapsed_real(step, s.clock), s);
}

template <typename E, Span span, typename R>
MLXS_FN R real_value(R step, Segment<R> s) {
  if (span == Span::Narrow && E::counts == int(Count::Nearer)) {
    return value_at<E>(elapsed_real_narrow(step, s.clock), s);
  }
  return real_value_on<E>(Pair<R>{step, R(0)}, s);
}
