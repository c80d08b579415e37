// A segment: one ease from one value to another. What devices evaluate.
#include "pair.h"
//
#include "clock.h"
#include "eases.h"

template <typename R>
struct Segment { // what its steps share
  Clock<R> clock;
  Pair<R> rate; // the ease's own
  R from, to;
  Pair<R> half_range; // (from - to) / 2
};

// T <= 0 and NaN have already ended: `to` at every step. So has T < 2^-60, whose reciprocal squared overflows.
template <typename E, typename R>
MLXS_FN Segment<R> prepare(Time<R> time, R from, R to) {
  bool positive = time.value.hi >= R(8.673617379884035e-19);
  Pair<R> t = {positive ? time.value.hi : R(1), positive ? time.value.lo : R(0)};
  Segment<R> s;
  s.clock.time = {positive ? time.whole : uint64_t(1), positive ? time.fraction : R(0), t};
  s.from = positive ? from : to;
  s.to = to;
  s.half_range = two_sum(mul(s.from, R(0.5)), mul(to, R(-0.5)));

  R scale = exponent_scale(t.hi);
  bool narrow = t.hi <= R(16777216);
  s.clock.scale = narrow ? R(1) : scale;
  t = times(t, scale);
  R r = reciprocal(R(1) / t.hi, t.hi); // 1/T = r + rl
  R rl = mul(fused(-r, t.lo, fused(-r, t.hi, R(1))), r);
  s.rate = E::rate(times(Pair<R>{r, rl}, narrow ? scale : R(1)));
  return s;
}

// from + (to - from) w or to + (from - to) w, rounded once. Neither term need be the larger: the nearer end may be 0.
template <typename R>
MLXS_FN R interpolate(Weight<R> w, Segment<R> s) {
  R base = w.first ? s.from : s.to;
  R h = w.first ? -s.half_range.hi : s.half_range.hi;
  R hl = w.first ? -s.half_range.lo : s.half_range.lo;
  R p = mul(h, w.twice.hi);
  R low = fused(h, w.twice.lo, fused(hl, w.twice.hi, fused(h, w.twice.hi, -p)));
  R y = base + p;
  R z = y - base;
  return y + (((base - (y - z)) + (p - z)) + low);
}

template <typename E, typename R, typename N>
MLXS_FN R value_at(Elapsed<N> e, Segment<R> s) {
  return interpolate(E::weight(e, s.rate), s);
}

template <typename E, Span span, typename S>
MLXS_FN float integer_value(S step, Segment<float> s) {
  if (span == Span::Wide64) {
    return value_at<E>(elapsed_wide<float>(clipped<uint64_t>(step), s.clock), s);
  }
  uint32_t n = clipped<uint32_t>(step), whole = uint32_t(s.clock.time.whole);
  if (span == Span::Wide32) {
    return value_at<E>(elapsed_wide<float>(n, s.clock), s);
  }
  return value_at<E>(elapsed_narrow(n < whole ? n : whole, whole), s);
}

template <typename E, Span span, typename R>
MLXS_FN R real_value(R step, Segment<R> s) {
  if (span == Span::Narrow) {
    return value_at<E>(elapsed_real_narrow(step, s.clock), s);
  }
  return value_at<E>(elapsed_real(step, s.clock), s);
}
