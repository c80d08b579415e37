// Cosine decay, the one formula every backend compiles:
//
//   value = init + (end - init) sin^2(pi/2 s/T),   s = clip(step, 0, T)
//
// Three parts, kept apart: how far along (`elapsed`), the ease (`ease`, a weight from 0 to 1) and the
// interpolation between two values (`interpolate`). `prepare` gathers what depends on init, T and end alone.
//
// Method. With n = min(s, T-s), the distance to the nearer end, and v = (pi/2 n/T)^2 <= (pi/4)^2 the weight is
//   w = sin^2(sqrt v) = v (1 + v R(v)),    R(v) ~ C2 + (v - c) p(v - c),   p of degree 3
// and value = init - (init-end) w in the first half, end + (init-end) w in the second: nothing cancels at either
// end. c is chosen so that C2 = R(c) and p(0) = R'(c) are floats to within 2^-12 of their last place, so neither
// needs a low part. v, 1 + vR and w are carried as unevaluated pairs; only p is plain, and its last bit weighs less
// than 2^-31 of the value. Twice the weight is multiplied by half the range, so init - end cannot overflow.
//
// Accuracy, float32, init and end of one sign (or zero), no underflow, T to 2^40 (`python -m bench.accuracy`):
//   degree in v               6
//   error before rounding     2^-37.7 of the weight by the coefficients, 2^-31.1 with all rounding in between
//   largest error seen        0.5072 ULP in 10^7 points aimed at it (`python tests/aimed.py`)
//   not correctly rounded     503 of 1 273 632 results at points chosen to hurt, 0.039 %
// Opposite signs: 0.5023 of the larger end's ULP, so a large relative error near the zero. float64: degree 9, 1 ULP.
// Monotone in the step wherever neighbouring values differ by more than 2^-31, that is for T up to 2^29 at least.
//
// The subset: C++17 without library, pointers or references, so that MSL, CUDA and any host compiler take it.
// Whoever includes it first supplies (see the host's, Metal's and CUDA's preludes):
//   MLXS_FN            qualifiers of a function
//   fused(a, b, c)     a*b + c, rounded once; the results rest on this, +, * and exact conversions alone
//   mul(a, b)          a*b, which the compiler may not contract into a later addition
//   exponent_scale(x)  the power of two that brings x into [1, 2), for x from 1 to 2^64
// and compiles it without contraction and without fast math.

template <typename R>
struct Pair { // hi + lo, unevaluated; |lo| is at most an ulp or so of hi
  R hi, lo;
};

template <typename R>
MLXS_FN Pair<R> fast_two_sum(R a, R b) { // exact for |a| >= |b|
  R s = a + b;
  return {s, b - (s - a)};
}

template <typename R>
MLXS_FN Pair<R> two_difference(R a, R b) { // exact, any order
  R d = a - b;
  R bb = a - d;
  return {d, (a - (d + bb)) + (bb - b)};
}

// ---------------------------------------------------------------------------------------------------------------
// What init, decay_steps and end give once, before any step is seen.

template <typename R>
struct Time { // T, as whole + fraction (exact) for integer steps and as a pair for fractional ones
  uint64_t whole;
  R fraction;
  Pair<R> value;
};

template <typename R>
struct Decay {
  Time<R> time;
  R scale;           // a power of two that keeps (scale n)^2 far from underflow; 1 for T <= 2^24
  Pair<R> curvature; // (pi/2 / (scale T))^2, so that v = curvature (scale n)^2
  R init, end;
  Pair<R> half_range; // (init - end) / 2
};

// What differs between float and double: the coefficients of 2R about `center`, made by kernels/fit.py, and how an
// integer becomes a pair, the nearest R first. Error of the float coefficients before any rounding: 2^-37.7.
template <typename R>
struct Precision;

template <>
struct Precision<float> {
  static MLXS_FN float above_half() { return 0.50000006f; } // the next float
  static MLXS_FN Pair<float> half_pi_squared() { return {2.46740103f, 7.2592897e-08f}; }
  static MLXS_FN float center() { return 0.320358217f; }
  static MLXS_FN float c2() { return -0.638832808f; }
  static MLXS_FN float tail(float x) {
    float p = fused(-8.21028334e-06f, x, 0.000271429715f);
    p = fused(p, x, -0.00608321f);
    return fused(p, x, 0.0849066153f);
  }
  static MLXS_FN Pair<float> split(uint32_t n) { // n < 2^31; exact
    return fast_two_sum(float(int32_t(n & 0xffffff00u)), float(int32_t(n & 0xffu)));
  }
  static MLXS_FN Pair<float> split(uint64_t n) { // n < 2^63; exact below 2^48
    float a = mul(float(int32_t(n >> 40)), 1099511627776.0f);
    float b = mul(float(int32_t((n >> 16) & 0xffffffu)), 65536.0f);
    Pair<float> s = fast_two_sum(a, b);
    return fast_two_sum(s.hi, s.lo + float(int32_t(n & 0xffffu)));
  }
};

// 1/t to the nearest R for t from 1 to 2, whatever the division gives within 64 ULP: a compiler's fast division may be
// off by some, and one ULP changes 1.6e-7 of all results. The last line is for the one t whose steps end a little low.
template <typename R>
MLXS_FN R reciprocal(R quotient, R t) {
  R r = fused(quotient, fused(-quotient, t, R(1)), quotient);
  r = fused(r, fused(-r, t, R(1)), r);
  return r > R(0.5) ? r : Precision<R>::above_half();
}

template <typename R>
MLXS_FN Time<R> integer_time(uint64_t t) {
  bool large = (t >> 63) != 0; // its last bit is 2^-63 of it
  Pair<R> v = Precision<R>::split(large ? t >> 1 : t);
  R factor = large ? R(2) : R(1);
  return {t, R(0), {mul(v.hi, factor), mul(v.lo, factor)}};
}

template <typename R>
MLXS_FN Time<R> real_time(R t) {
  R most = R(18446744073709551616.0); // 2^64
  bool fits = t > R(0) && t < most;
  uint64_t whole = uint64_t(fits ? t : R(0));
  R fraction = fits ? t - R(whole) : R(0);
  return {t >= most ? ~uint64_t(0) : whole, fraction, {t >= most ? most : t, R(0)}};
}

// T <= 0 and NaN have already ended: `end` at every step. So has T < 2^-60, whose reciprocal squared overflows.
template <typename R>
MLXS_FN Decay<R> prepare(R init, R end, Time<R> time) {
  Decay<R> d;
  bool positive = time.value.hi >= R(8.673617379884035e-19);
  R t = positive ? time.value.hi : R(1);
  R tl = positive ? time.value.lo : R(0);
  d.time.whole = positive ? time.whole : uint64_t(1);
  d.time.fraction = positive ? time.fraction : R(0);
  d.time.value = Pair<R>{t, tl};
  d.init = positive ? init : end;
  d.end = end;
  d.half_range = two_difference(mul(d.init, R(0.5)), mul(end, R(0.5)));

  R s = exponent_scale(t);
  t = mul(t, s);
  tl = mul(tl, s);
  R r = reciprocal(R(1) / t, t); // 1/T = r + rl
  R rl = mul(fused(-r, tl, fused(-r, t, R(1))), r);
  R q = mul(r, r); // 1/T^2 = q + ql
  R ql = fused(r + r, rl, fused(r, r, -q));
  Pair<R> k = Precision<R>::half_pi_squared();
  R j = mul(k.hi, q);
  R jl = fused(k.hi, ql, fused(k.lo, q, fused(k.hi, q, -j)));
  bool narrow = d.time.value.hi <= R(16777216);
  d.scale = narrow ? R(1) : s;
  Pair<R> c = fast_two_sum(j, jl);
  d.curvature.hi = narrow ? mul(c.hi, mul(s, s)) : c.hi;
  d.curvature.lo = narrow ? mul(c.lo, mul(s, s)) : c.lo;
  return d;
}

// ---------------------------------------------------------------------------------------------------------------
// How far along: the scaled distance to the nearer end, and which end that is.

template <typename N> // N: R where one R holds every distance, else Pair<R>
struct Elapsed {
  N n;
  bool first;
};

// Integer steps, clipped to [0, T]; T whole and at most 2^24.
MLXS_FN Elapsed<float> elapsed_narrow(uint32_t step, uint32_t whole) {
  uint32_t left = whole - step;
  bool first = step <= left;
  return {float(int32_t(first ? step : left)), first};
}

// Integer steps, negative ones clipped to 0; any T. U is uint32_t where T < 2^32, else uint64_t.
template <typename R, typename U>
MLXS_FN Elapsed<Pair<R>> elapsed_wide(U step, Decay<R> d) {
  U whole = U(d.time.whole);
  U clipped = step < whole ? step : whole;
  U left = whole - clipped;
  bool first = step <= left;
  Pair<R> n = Precision<R>::split(U(first ? clipped : left));
  R fraction = step > whole ? R(0) : d.time.fraction;
  fraction = first ? R(0) : fraction;
  n = fast_two_sum(n.hi, n.lo + fraction);
  return {{mul(n.hi, d.scale), mul(n.lo, d.scale)}, first};
}

// Fractional steps, T a single R; NaN passes through. Where the second half is chosen T - s is exact (Sterbenz).
template <typename R>
MLXS_FN Elapsed<R> elapsed_real_narrow(R step, Decay<R> d) {
  R s = step < R(0) ? R(0) : step;
  s = s > d.time.value.hi ? d.time.value.hi : s;
  R left = d.time.value.hi - s;
  bool first = s <= left;
  return {mul(first ? s : left, d.scale), first};
}

// Fractional steps, any T; the same bits as elapsed_real_narrow where that serves.
template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_real(R step, Decay<R> d) {
  R beyond = d.time.value.hi + d.time.value.hi; // keeps infinity out of the differences
  R s = step < R(0) ? R(0) : step;
  s = s > beyond ? beyond : s;
  Pair<R> left = two_difference(d.time.value.hi, s);
  left = fast_two_sum(left.hi, left.lo + d.time.value.lo);
  bool first = s <= left.hi;
  bool ended = left.hi <= R(0);
  R hi = first ? s : (ended ? R(0) : left.hi);
  R lo = first | ended ? R(0) : left.lo;
  return {{mul(hi, d.scale), mul(lo, d.scale)}, first};
}

// ---------------------------------------------------------------------------------------------------------------
// The ease: twice the weight sin^2(pi/2 n/T), from 0 at n = 0 to 1 at n = T/2.

template <typename R>
MLXS_FN Pair<R> square(R n) {
  R q = mul(n, n);
  return {q, fused(n, n, -q)};
}

template <typename R>
MLXS_FN Pair<R> square(Pair<R> n) {
  Pair<R> q = square(n.hi);
  return {q.hi, fused(n.hi + n.hi, n.lo, q.lo)};
}

template <typename R>
MLXS_FN Pair<R> twice_weight(Pair<R> n2, Pair<R> curvature) {
  using C = Precision<R>;
  R v = mul(n2.hi, curvature.hi);
  R vl = fused(n2.lo, curvature.hi, fused(n2.hi, curvature.lo, fused(n2.hi, curvature.hi, -v)));
  R x = v - C::center(); // inexact only where v is small and the tail weighs nothing
  R p = C::tail(x);
  R r = fused(x, p, C::c2()); // 2R = r + rl
  R rl = fused(vl, p, fused(x, p, C::c2() - r));
  R m = fused(v, r, R(2)); // 2 (1 + vR) = m + ml
  R ml = fused(v, rl, fused(vl, r, fused(v, r, R(2) - m)));
  R w = mul(v, m);
  R wl = fused(v, ml, fused(vl, m, fused(v, m, -w))); // this order stays clear of subnormals
  return {w, wl};
}

// ---------------------------------------------------------------------------------------------------------------
// The interpolation: init - (init-end) w or end + (init-end) w, rounded once.

template <typename R>
MLXS_FN R interpolate(bool first, Pair<R> w, Decay<R> d) {
  R base = first ? d.init : d.end;
  R h = first ? -d.half_range.hi : d.half_range.hi;
  R hl = first ? -d.half_range.lo : d.half_range.lo;
  R p = mul(h, w.hi);
  R low = fused(h, w.lo, fused(hl, w.hi, fused(h, w.hi, -p)));
  R y = base + p; // neither need be the larger: base may be 0, and p more than a small base
  R z = y - base;
  return y + (((base - (y - z)) + (p - z)) + low);
}

template <typename R, typename N>
MLXS_FN R decay_at(Elapsed<N> e, Decay<R> d) {
  return interpolate(e.first, twice_weight(square(e.n), d.curvature), d);
}

// ---------------------------------------------------------------------------------------------------------------
// The whole, by the cheapest way that T allows; all ways give the same bits.

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

template <Span span, typename S>
MLXS_FN float integer_decay(S step, Decay<float> d) {
  if (span == Span::Wide64) {
    return decay_at(elapsed_wide<float>(clipped<uint64_t>(step), d), d);
  }
  uint32_t s = clipped<uint32_t>(step), whole = uint32_t(d.time.whole);
  if (span == Span::Wide32) {
    return decay_at(elapsed_wide<float>(s, d), d);
  }
  return decay_at(elapsed_narrow(s < whole ? s : whole, whole), d);
}

template <Span span, typename R>
MLXS_FN R real_decay(R step, Decay<R> d) {
  if (span == Span::Narrow) {
    return decay_at(elapsed_real_narrow(step, d), d);
  }
  return decay_at(elapsed_real(step, d), d);
}
