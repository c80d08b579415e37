// How far along a segment a step is: exact for steps of every type and lengths of every kind.
#pragma once

#include "pair.h"

template <typename R>
struct Time { // a number of steps: as whole + fraction (exact) for integer ones, as a pair for fractional ones
  uint64_t whole;
  R fraction;
  Pair<R> value;
};

template <typename R>
struct Clock { // a segment's length, as steps are measured against it
  Time<R> length;
  R scale; // a power of two that keeps (scale n)^2 far from underflow; 1 for T <= 2^24
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
MLXS_FN Pair<R> split(uint32_t n) { // the nearest R first; n < 2^31; exact
  return fast_two_sum(R(int32_t(n & 0xffffff00u)), R(int32_t(n & 0xffu)));
}

template <typename R>
MLXS_FN Pair<R> split_any(uint32_t n) { // the same for every n
  return fast_two_sum(mul(R(int32_t(n >> 16)), R(65536)), R(int32_t(n & 0xffffu)));
}

template <typename R>
MLXS_FN Pair<R> split(uint64_t n) { // exact below 2^48, in double always
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
MLXS_FN Time<R> integer_time(uint64_t t) {
  bool large = (t >> 63) != 0;
  Pair<R> v = times(split<R>(large ? t >> 1 : t), large ? R(2) : R(1));
  return {t, R(0), {v.hi, v.lo + (large ? R(int32_t(t & 1)) : R(0))}};
}

template <typename R>
MLXS_FN Time<R> real_time(R t) {
  R most = R(18446744073709551616.0); // 2^64
  bool fits = t > R(0) && t < most;
  uint64_t whole = uint64_t(fits ? t : R(0));
  R fraction = fits ? t - R(whole) : R(0);
  return {t >= most ? ~uint64_t(0) : whole, fraction, {t >= most ? most : t, R(0)}};
}

template <typename R>
MLXS_FN Time<R> with_rest(Time<R> t, R rest) { // exact: a fraction to an integer, or what a float lacks
  R sum = t.fraction + rest;
  int64_t whole = int64_t(sum);
  whole -= R(whole) > sum ? 1 : 0;
  return {t.whole + uint64_t(whole), sum - R(whole), fast_two_sum(t.value.hi, t.value.lo + rest)};
}

// ---------------------------------------------------------------------------------------------------------------
// Count::Nearer: several ways, all of the same bits.

// Integer steps, clipped to [0, T]; T whole and at most 2^24.
template <typename R>
MLXS_FN Elapsed<R> elapsed_narrow(uint32_t step, uint32_t whole) {
  uint32_t left = whole - step;
  bool first = step <= left;
  return {R(int32_t(first ? step : left)), first};
}

// Integer steps; T whole, at most 2^32 - 1.
template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_whole(uint32_t step, Clock<R> c) {
  uint32_t whole = uint32_t(c.length.whole), clipped = step < whole ? step : whole, left = whole - clipped;
  bool first = clipped <= left;
  return {times(split<R>(first ? clipped : left), c.scale), first};
}

// Integer steps and a fraction, above -1 and below 1; any T. U is uint32_t where T < 2^32, else uint64_t. A fraction
// below 0 brings the step beyond the whole steps of T, `over`, back among them.
template <typename R, typename U>
MLXS_FN Elapsed<Pair<R>> elapsed_wide(U step, R more, Clock<R> c) {
  U whole = U(c.length.whole);
  bool over = (more < R(0)) & (step > whole) & (U(step - whole) == U(1));
  U clipped = ((step < whole) | over) ? step : whole;
  U left = over ? U(0) : whole - clipped;
  R rest = (c.length.fraction - more) - (over ? R(1) : R(0)); // of what is left
  bool past = over ? rest <= R(0) : ((step > whole) | ((more != R(0)) & (step == whole) & (rest < R(0))));
  R ahead =
      step >= left ? R(int32_t(step - left < 4 ? step - left : 4)) : R(-int32_t(left - step < 4 ? left - step : 4));
  bool first = more == R(0) ? step <= left : !past & (ahead <= rest - more);
  Pair<R> n = split<R>(U(first ? clipped : left));
  R fraction = first ? more : (past ? R(0) : rest);
  return {times(fast_two_sum(n.hi, n.lo + fraction), c.scale), first};
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
MLXS_FN Elapsed<Pair<R>> elapsed_on(U step, R more, Clock<R> c) {
  Pair<R> n = split_any<R>(step);
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
// Count::Lengths: exact for integer steps and whole T; else as exact as a pair holds steps, which is below 2^48.

MLXS_FN uint32_t high_product(uint32_t a, uint32_t b) {
  return uint32_t((uint64_t(a) * b) >> 32);
}

MLXS_FN uint64_t high_product(uint64_t a, uint64_t b) {
  uint64_t al = uint32_t(a), ah = a >> 32, bl = uint32_t(b), bh = b >> 32;
  uint64_t low = al * bl, one = ah * bl + (low >> 32), two = al * bh + uint32_t(one);
  return ah * bh + (one >> 32) + (two >> 32);
}

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
MLXS_FN Elapsed<Pair<R>> elapsed_lengths(U step, R more, Clock<R> c) { // U is uint32_t where T < 2^32, else uint64_t
  Pair<R> whole = split_any<R>(quotient(step, c.length.whole, c.inverse)), n = split_any<R>(step);
  Pair<R> real = lengths(fast_two_sum(n.hi, n.lo + more), c);
  bool fractional = (c.length.fraction != R(0)) | (more != R(0));
  return {{fractional ? real.hi : whole.hi, fractional ? real.lo : whole.lo}, true};
}

template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_real_lengths(Pair<R> step, Clock<R> c) {
  return {lengths(on(step), c), true};
}

// ---------------------------------------------------------------------------------------------------------------
// The cheapest way that T allows.

enum class Span { Narrow, Wide32, Wide64 };

template <typename R>
MLXS_FN Span integer_span(Time<R> t) { // T whole and at most 2^24; T < 2^32; any T
  if (t.whole >> 32) {
    return Span::Wide64;
  }
  return t.whole > (1u << 24) || t.fraction != R(0) ? Span::Wide32 : Span::Narrow;
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
