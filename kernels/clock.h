// How far along a segment a step is: exact for steps of every type and lengths of every kind.

template <typename R>
struct Time { // T, as whole + fraction (exact) for integer steps and as a pair for fractional ones
  uint64_t whole;
  R fraction;
  Pair<R> value;
};

template <typename R>
struct Clock { // a segment's length, as steps are measured against it
  Time<R> time;
  R scale; // a power of two that keeps (scale n)^2 far from underflow; 1 for T <= 2^24
};

template <typename N> // N: R where one R holds every distance, else Pair<R>
struct Elapsed {
  N n;        // the scaled distance to the nearer end,
  bool first; // and whether that is the first
};

template <typename R>
MLXS_FN Pair<R> split(uint32_t n) { // the nearest R first; n < 2^31; exact
  return fast_two_sum(R(int32_t(n & 0xffffff00u)), R(int32_t(n & 0xffu)));
}

template <typename R>
MLXS_FN Pair<R> split(uint64_t n) { // n < 2^63; exact below 2^48, in double always
  R a = mul(R(int32_t(n >> 40)), R(1099511627776.0));
  R b = mul(R(int32_t((n >> 16) & 0xffffffu)), R(65536));
  Pair<R> s = fast_two_sum(a, b);
  return fast_two_sum(s.hi, s.lo + R(int32_t(n & 0xffffu)));
}

template <typename R>
MLXS_FN Time<R> integer_time(uint64_t t) {
  bool large = (t >> 63) != 0; // its last bit is 2^-63 of it
  return {t, R(0), times(split<R>(large ? t >> 1 : t), large ? R(2) : R(1))};
}

template <typename R>
MLXS_FN Time<R> real_time(R t) {
  R most = R(18446744073709551616.0); // 2^64
  bool fits = t > R(0) && t < most;
  uint64_t whole = uint64_t(fits ? t : R(0));
  R fraction = fits ? t - R(whole) : R(0);
  return {t >= most ? ~uint64_t(0) : whole, fraction, {t >= most ? most : t, R(0)}};
}

// ---------------------------------------------------------------------------------------------------------------
// The three ways of counting, all of the same bits.

// Integer steps, clipped to [0, T]; T whole and at most 2^24.
MLXS_FN Elapsed<float> elapsed_narrow(uint32_t step, uint32_t whole) {
  uint32_t left = whole - step;
  bool first = step <= left;
  return {float(int32_t(first ? step : left)), first};
}

// Integer steps, negative ones clipped to 0; any T. U is uint32_t where T < 2^32, else uint64_t.
template <typename R, typename U>
MLXS_FN Elapsed<Pair<R>> elapsed_wide(U step, Clock<R> c) {
  U whole = U(c.time.whole);
  U clipped = step < whole ? step : whole;
  U left = whole - clipped;
  bool first = step <= left;
  Pair<R> n = split<R>(U(first ? clipped : left));
  R fraction = step > whole ? R(0) : c.time.fraction;
  fraction = first ? R(0) : fraction;
  return {times(fast_two_sum(n.hi, n.lo + fraction), c.scale), first};
}

// Fractional steps, T a single R; NaN passes through. Where the second half is chosen T - s is exact (Sterbenz).
template <typename R>
MLXS_FN Elapsed<R> elapsed_real_narrow(R step, Clock<R> c) {
  R s = step < R(0) ? R(0) : step;
  s = s > c.time.value.hi ? c.time.value.hi : s;
  R left = c.time.value.hi - s;
  bool first = s <= left;
  return {mul(first ? s : left, c.scale), first};
}

// Fractional steps, any T; the same bits as elapsed_real_narrow where that serves.
template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_real(R step, Clock<R> c) {
  R beyond = c.time.value.hi + c.time.value.hi; // keeps infinity out of the differences
  R s = step < R(0) ? R(0) : step;
  s = s > beyond ? beyond : s;
  Pair<R> left = two_sum(c.time.value.hi, -s);
  left = fast_two_sum(left.hi, left.lo + c.time.value.lo);
  bool first = s <= left.hi;
  bool ended = left.hi <= R(0);
  R hi = first ? s : (ended ? R(0) : left.hi);
  R lo = first | ended ? R(0) : left.lo;
  return {times(Pair<R>{hi, lo}, c.scale), first};
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
