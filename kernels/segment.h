// A segment: one ease from one value to another. What devices evaluate.
#pragma once

#include "clock.h"
#include "eases.h"
#include "pair.h"

template <typename R>
struct Segment { // what its steps share
  Clock<R> clock;
  Pair<R> rate, shape; // the ease's own
  R from, to;
  Pair<R> half_range; // (from - to) / 2
};

// T <= 0 and NaN have already ended: `to` at every step, which the shape 0 leaves as it is in eases without end. So has
// T < 2^-60, whose reciprocal squared overflows.
template <typename E, typename R>
MLXS_FN Segment<R> prepare(Time<R> length, R from, R to, Pair<R> shape = Pair<R>{R(0), R(0)}) {
  bool positive = length.value.hi >= R(8.673617379884035e-19);
  Pair<R> t = {positive ? length.value.hi : R(1), positive ? length.value.lo : R(0)};
  Segment<R> s;
  s.clock.length = {positive ? length.whole : uint64_t(1), positive ? length.fraction : R(0), t};
  s.shape = {positive ? shape.hi : R(0), positive ? shape.lo : R(0)};
  s.from = positive ? from : to;
  s.to = to;
  s.half_range = two_sum(mul(s.from, R(0.5)), mul(to, R(-0.5)));

  R scale = exponent_scale(t.hi);
  bool narrow = t.hi <= R(16777216);
  s.clock.scale = narrow ? R(1) : scale;
  t = times(t, scale);
  R r = reciprocal(rough_inverse(t.hi), t.hi); // 1/T = r + rl
  R rl = mul(fused(-r, t.lo, fused(-r, t.hi, R(1))), r);
  s.rate = E::rate(times(Pair<R>{r, rl}, narrow ? scale : R(1)), s.shape, s.from, s.to);
  uint64_t whole = s.clock.length.whole;
  bool lengths = E::counts == int(Count::Lengths);
  s.clock.per_step = {lengths ? mul(r, scale) : R(0), lengths ? mul(rl, scale) : R(0)};
  s.clock.inverse = lengths ? ~uint64_t(0) / (whole > 0 ? whole : uint64_t(1)) : uint64_t(0);
  return s;
}

// from + (to - from) w or to + (from - to) w, rounded once. Neither term need be the larger: the nearer end may be 0.
template <typename R>
MLXS_FN R finish(Weight<R> w, Segment<R> s) {
  R base = w.first ? s.from : s.to;
  R h = (w.first ? -s.half_range.hi : s.half_range.hi) * w.scale;
  R hl = (w.first ? -s.half_range.lo : s.half_range.lo) * w.scale;
  R p = mul(h, w.twice.hi);
  R low = fused(h, w.twice.lo, fused(hl, w.twice.hi, fused(h, w.twice.hi, -p)));
  R y = base + p;
  R z = y - base;
  return y + (((base - (y - z)) + (p - z)) + low);
}

// An end times 2^exponent (1 + change), rounded once.
template <typename R>
MLXS_FN R finish(Factor<R> f, Segment<R> s) {
  R base = f.first ? s.from : s.to;
  Pair<R> y = horner(f.change, base, base);
  return scaled(y.hi + y.lo, f.exponent);
}

template <typename E, typename R, typename N>
MLXS_FN R value_at(Elapsed<N> e, Segment<R> s) {
  return finish(E::weight(e, s.rate, s.shape), s);
}

// At an integer step, `more` of the next one on. U is uint32_t where steps and T are below 2^32, else uint64_t.
template <typename E, Span span, typename R, typename U>
MLXS_FN R value_on(U step, R more, Segment<R> s) {
  if (E::counts == int(Count::Lengths)) {
    return value_at<E>(elapsed_lengths(step, more, s.clock), s);
  }
  if (E::counts == int(Count::Begin)) {
    return value_at<E>(elapsed_on(step, more, s.clock), s);
  }
  if (span == Span::Narrow) {
    uint32_t n = uint32_t(step), whole = uint32_t(s.clock.length.whole);
    return value_at<E>(elapsed_narrow<R>(n < whole ? n : whole, whole), s);
  }
  return value_at<E>(elapsed_wide(step, more, s.clock), s);
}

template <typename E, Span span, typename S, typename R>
MLXS_FN R integer_value(S step, Segment<R> s) {
  bool endless = E::counts != int(Count::Nearer);
  if (span == Span::Wide64 || (endless && sizeof(S) == 8)) {
    return value_on<E, Span::Wide64>(clipped<uint64_t>(step), R(0), s);
  }
  return value_on<E, span>(clipped<uint32_t>(step), R(0), s);
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
