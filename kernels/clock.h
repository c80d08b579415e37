// How far along a segment a step is: exact for steps of every type and lengths of every kind.
#pragma once

#include "steps.h"

template <typename R>
struct Time { // a number of steps: to 2^-64, and as a pair, which holds more of what is far below 1
  Steps steps;
  Pair<R> value;
};

template <typename R>
struct Clock { // a segment's length, as steps are measured against it
  Time<R> length;
  R part;  // the fraction of a T that is a single R
  R scale; // a power of two that keeps (scale n)^2 far from underflow; 1 for T <= 2^25
  // For Count::Lengths alone:
  Pair<R> per_step; // 1/T
  uint64_t inverse; // floor((2^64 - 1) / whole)
};

enum class Count { // how an ease counts steps
  Nearer,          // to the nearer end, clipped to [0, T]
  Begin,           // since the begin, on and on
  Lengths,         // whole lengths since the begin, on and on
};

template <typename N> // N: R where one R holds every distance, else Pair<R>
struct Elapsed {
  N n;        // the scaled distance to the nearer end, or the number of lengths,
  bool first; // and whether it is counted from the first
};

template <typename R>
MLXS_FN Time<R> integer_time(uint64_t t) {
  bool large = (t >> 63) != 0;
  Pair<R> v = times(split<R>(large ? t >> 1 : t), large ? R(2) : R(1));
  return {{t, 0}, {v.hi, v.lo + (large ? R(int32_t(t & 1)) : R(0))}};
}

template <typename R>
MLXS_FN Time<R> with_fraction(Time<R> t, uint64_t fraction) { // to a whole number
  Steps steps = {t.steps.whole, fraction};
  Pair<R> v = pair_of<R>(steps);
  return {steps, {fraction != 0 ? v.hi : t.value.hi, fraction != 0 ? v.lo : t.value.lo}};
}

template <typename R>
MLXS_FN Time<R> real_time(R t) {
  R most = R(18446744073709551616.0); // 2^64
  bool fits = t > R(0) && t < most;
  Steps steps = steps_of(fits ? t : R(0));
  R value = t < R(0) ? R(0) : t; // what is negative has begun, or has ended; NaN passes
  return {{t >= most ? ~uint64_t(0) : steps.whole, steps.fraction}, {t >= most ? most : value, R(0)}};
}

template <typename R>
MLXS_FN Time<R> with_rest(Time<R> t, R rest) { // to a real, what it lacks
  Steps by = steps_of(rest < R(0) ? -rest : rest);
  return {rest < R(0) ? less(t.steps, by) : plus(t.steps, by), fast_two_sum(t.value.hi, t.value.lo + rest)};
}

// ---------------------------------------------------------------------------------------------------------------
// Count::Nearer: several ways, all of the same bits.

// Integer steps; T whole and at most 2^25, so that the distance to the nearer end is at most 2^24.
template <typename R>
MLXS_FN Elapsed<R> elapsed_narrow(uint32_t step, Clock<R> c) {
  uint32_t whole = uint32_t(c.length.steps.whole), clipped = step < whole ? step : whole, left = whole - clipped;
  bool first = clipped <= left;
  return {R(int32_t(first ? clipped : left)), first};
}

// Integer steps; T whole. U is uint32_t where T < 2^32, else uint64_t.
template <typename R, typename U>
MLXS_FN Elapsed<Pair<R>> elapsed_whole(U step, Clock<R> c) {
  U whole = U(c.length.steps.whole), clipped = step < whole ? step : whole, left = whole - clipped;
  bool first = clipped <= left;
  return {times(split<R>(U(first ? clipped : left)), c.scale), first};
}

// Integer steps, T a single R or whole.
template <typename R, typename U>
MLXS_FN Elapsed<Pair<R>> elapsed_wide(U step, Clock<R> c) {
  U whole = U(c.length.steps.whole), clipped = step < whole ? step : whole, left = whole - clipped;
  bool first = step <= left; // not beyond a T below 1
  Pair<R> n = split<R>(U(first ? clipped : left));
  R part = (first | (step > whole)) ? R(0) : c.part;
  return {times(fast_two_sum(n.hi, n.lo + part), c.scale), first};
}

// Steps of any kind, any T: `more` is what 2^-64 does not hold of a fractional one, or NaN.
template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_exact(Steps step, R more, Clock<R> c) {
  bool ended = !before(step, c.length.steps);
  Steps left = less(c.length.steps, step); // chosen by member: Mesa takes no choice between two places in memory
  left = {ended ? uint64_t(0) : left.whole, ended ? uint64_t(0) : left.fraction};
  bool first = !ended & !before(left, step);
  Pair<R> n = pair_of<R>(Steps{first ? step.whole : left.whole, first ? step.fraction : left.fraction});
  R lo = n.lo + (first ? more : (ended ? more - more : -more));
  return {times(fast_two_sum(n.hi, lo), c.scale), first};
}

// Fractional steps, T a single R; NaN passes through. Where the second half is chosen T - s is exact (Sterbenz).
template <typename R>
MLXS_FN Elapsed<R> elapsed_real_narrow(R step, Clock<R> c) {
  R s = step < R(0) ? R(0) : step;
  s = s > c.length.value.hi ? c.length.value.hi : s;
  R left = c.length.value.hi - s;
  bool first = s <= left;
  return {mul(first ? s : left, c.scale), first};
}

// Fractional steps, any T; the same bits as elapsed_real_narrow where that serves.
template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_real(Pair<R> step, Clock<R> c) {
  R beyond = c.length.value.hi + c.length.value.hi; // keeps infinity out of the differences
  bool inside = (step.hi >= R(0)) & (step.hi <= beyond);
  R s = step.hi < R(0) ? R(0) : step.hi, sl = inside ? step.lo : R(0);
  s = s > beyond ? beyond : s;
  Pair<R> left = two_sum(c.length.value.hi, -s);
  left = fast_two_sum(left.hi, left.lo + (c.length.value.lo - sl));
  bool first = (s - left.hi) + (sl - left.lo) <= R(0);
  bool ended = left.hi <= R(0);
  R hi = first ? s : (ended ? R(0) : left.hi);
  R lo = first ? sl : (ended ? R(0) : left.lo);
  return {times(Pair<R>{hi, lo}, c.scale), first};
}

// ---------------------------------------------------------------------------------------------------------------
// Count::Begin. Negative steps count as 0, fractional ones above 2^64 as that.

template <typename R, typename U>
MLXS_FN Elapsed<Pair<R>> elapsed_on(U step, Clock<R> c) {
  return {times(split_any<R>(step), c.scale), true};
}

template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_exact_on(Steps step, R more, Clock<R> c) {
  Pair<R> n = pair_of<R>(step);
  return {times(fast_two_sum(n.hi, n.lo + more), c.scale), true};
}

template <typename R>
MLXS_FN R on(R step) { // NaN passes through
  R most = R(18446744073709551616.0);
  R s = step < R(0) ? R(0) : step;
  return s > most ? most : s;
}

template <typename R>
MLXS_FN Pair<R> on(Pair<R> step) {
  R s = on(step.hi);
  return {s, s == step.hi ? step.lo : R(0)};
}

template <typename R>
MLXS_FN Elapsed<R> elapsed_real_on(R step, Clock<R> c) {
  return {mul(on(step), c.scale), true};
}

template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_real_on(Pair<R> step, Clock<R> c) {
  return {times(on(step), c.scale), true};
}

// ---------------------------------------------------------------------------------------------------------------
// Count::Lengths: exact, but of reals as exact as a pair holds steps, which is below 2^48.

// n / T. The product is that or one less: `inverse` is at most (1 + 1/T) / 2^bits too small, and exact for T = 1 up to
// that 1/T.
template <typename U>
MLXS_FN U quotient(U n, uint64_t whole, uint64_t inverse) {
  U q = high_product(n, U(inverse >> (64 - 8 * sizeof(U))));
  return q + U(U(n - q * U(whole)) >= U(whole));
}

// The whole number nearest n/T, less one where it is above n/T by the sign of what remains.
template <typename R>
MLXS_FN Pair<R> lengths(Pair<R> n, Clock<R> c) {
  Pair<R> t = c.length.value, q = product(n, c.per_step);
  R hi = nearest(q.hi), lo = nearest((q.hi - hi) + q.lo);
  R p = mul(hi, t.hi);
  R rest = fused(-lo, t.hi, n.hi - p) - fused(hi, t.hi, -p);
  rest = fused(-lo, t.lo, fused(-hi, t.lo, rest + n.lo));
  return fast_two_sum(hi, rest < R(0) ? lo - R(1) : lo);
}

template <typename R, typename U>
MLXS_FN Elapsed<Pair<R>> elapsed_lengths(U step, Clock<R> c) { // U is uint32_t where T < 2^32, else uint64_t
  return {split_any<R>(quotient(step, c.length.steps.whole, c.inverse)), true};
}

template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_exact_lengths(Steps step, R more, Clock<R> c) {
  Pair<R> n = split_any<R>(division<R>(step, c.length.steps).count);
  return {{n.hi, n.lo + (more - more)}, true};
}

template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_real_lengths(Pair<R> step, Clock<R> c) {
  return {lengths(on(step), c), true};
}

// ---------------------------------------------------------------------------------------------------------------
// The cheapest way that T allows.

enum class Span { Narrow, Wide32, Wide64 };

template <typename R>
MLXS_FN Span integer_span(Time<R> t) { // T whole and at most 2^25; T < 2^32; any T
  if (t.steps.whole >> 32) {
    return Span::Wide64;
  }
  return t.steps.whole > (1u << 25) || t.steps.fraction != 0 ? Span::Wide32 : Span::Narrow;
}

template <typename R>
MLXS_FN Span real_span(Time<R> t) { // T a single R; any T
  return t.value.lo == R(0) ? Span::Narrow : Span::Wide64;
}

// An integer step with what is negative raised to 0 and what exceeds U's range lowered to it.
template <typename U, typename S>
MLXS_FN U clipped(S step) {
  step = step < S(0) ? S(0) : step;
  return sizeof(S) > sizeof(U) && step > S(U(-1)) ? U(-1) : U(step);
}
