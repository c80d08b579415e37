#include "pairs.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace mlx_schedules {

namespace {

// The upper half of a real's bits, by Dekker's splitting with a product that is exact.
mx::array upper(const mx::array& x, const Ops& op) {
  auto c = op.add(x, op.mul(x, op.twice() ? 0x1p27 : 0x1p12));
  return op.sub(c, op.sub(c, x));
}

Pair fast_two_sum(const mx::array& a, const mx::array& b, const Ops& op) { // |a| >= |b|, or a is 0
  auto s = op.add(a, b);
  return {s, op.sub(b, op.sub(s, a))};
}

double kept(double x, int bits) {
  int exponent;
  double m = std::frexp(x, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(m, bits)), exponent - bits);
}

Pair constant(long double x, const Ops& op) { // halved, with room for a factor of 11 bits
  double hi = kept(double(x), op.twice() ? 26 : 12);
  return {op.constant(hi), op.constant(double(x - hi))};
}

constexpr long double kLn2 = 0.693147180559945309417232121458176568L;

// Sum of coefficient(k) x^(k - first), for k from `first` to `last`.
template <typename F>
mx::array series(const mx::array& x, int first, int last, F coefficient, const Ops& op) {
  auto sum = op.constant(coefficient(last));
  for (int k = last - 1; k >= first; k--) {
    sum = op.add(op.mul(sum, x), op.constant(coefficient(k)));
  }
  return sum;
}

// 2^k for whole k from -32 to 31.
mx::array small_power(const mx::array& k, const Ops& op) {
  auto shift = mx::astype(op.add(k, op.constant(32)), mx::uint64, op.s);
  auto power = mx::power(mx::array(2, mx::uint64), shift, op.s); // MLX loses an axis of a shift in vmap
  return op.mul(op.as_real(power), 0x1p-32);
}

} // namespace

Pair halved(const Pair& x, const Ops& op) {
  auto h = upper(op.add(x.hi, x.lo), op);
  return {h, op.add(op.sub(x.hi, h), x.lo)};
}

Pair two_sum(const mx::array& a, const mx::array& b, const Ops& op) {
  auto s = op.add(a, b), c = op.sub(s, a);
  return {s, op.add(op.sub(a, op.sub(s, c)), op.sub(b, c))};
}

Pair sum(const Pair& a, const Pair& b, const Ops& op) {
  auto s = two_sum(a.hi, b.hi, op);
  return fast_two_sum(s.hi, op.add(s.lo, op.add(a.lo, b.lo)), op);
}

Pair negated(const Pair& x, const Ops& op) {
  return {op.negative(x.hi), op.negative(x.lo)};
}

Pair select(const mx::array& condition, const Pair& a, const Pair& b, const Ops& op) {
  return {op.select(condition, a.hi, b.hi), op.select(condition, a.lo, b.lo)};
}

Pair product(const Pair& a, const Pair& b, const Ops& op) {
  auto small = op.add(op.mul(a.hi, b.lo), op.mul(a.lo, op.add(b.hi, b.lo)));
  return halved({op.mul(a.hi, b.hi), small}, op);
}

Pair quotient(const Pair& a, const Pair& b, const Ops& op) {
  auto q = upper(op.div(a.hi, b.hi), op), first = upper(b.hi, op), second = op.sub(b.hi, first);
  auto left = op.sub(op.sub(a.hi, op.mul(q, first)), op.mul(q, second));
  left = op.add(left, op.sub(a.lo, op.mul(q, b.lo)));
  return {q, op.div(left, b.hi)};
}

Pair from_integer(const mx::array& n, const Ops& op) {
  auto hi = op.as_real(n);
  double most = op.twice() ? 0x1p64 - 0x1p11 : 0x1p64 - 0x1p40; // beyond it the nearest real is 2^64
  hi = op.select(op.below(hi, most), hi, op.constant(most));
  auto lo = mx::subtract(n, mx::astype(hi, mx::uint64, op.s), op.s);
  return {hi, op.as_real(mx::astype(lo, mx::int64, op.s))};
}

// ---- Powers of two

mx::array rounded_log2(const mx::array& x,
                       const Ops& op) { // MLX's log2 may be rounded to float32: near a half is enough
  return op.floor(op.add(mx::log2(x, op.s), op.constant(0.5)));
}

Exponent power_of_two(const mx::array& k, const Ops& op) {
  int squares = op.twice() ? 5 : 2;
  double parts = 2 << squares;
  auto part = op.floor(op.add(op.mul(k, 1 / parts), op.constant(0.5)));
  auto half = small_power(part, op);
  for (int i = 0; i < squares; i++) {
    half = mx::square(half, op.s);
  }
  return {half, small_power(op.sub(k, op.mul(part, parts)), op)};
}

mx::array scaled(const mx::array& x, const Exponent& e, const Ops& op) {
  return op.mul(op.mul(op.mul(x, e.half), e.rest), e.half);
}

// ---- log: 2 z (1 + z^2/3 + z^4/5 + ...) with z = a/b

Pair log_of_ratio(const Pair& a, const Pair& b, const mx::array& k, const Ops& op) {
  auto z = quotient(a, b, op), v = product(z, z, op);
  auto third = constant(2.0L / 3, op);
  // What follows weighs 2^-7.9 of the result and less: to 2^-34, in float64 2^-65.
  auto square = op.add(v.hi, v.lo),
       tail = series(square, 2, op.twice() ? 12 : 6, [](int n) { return 2.0 / (2 * n + 1); }, op);
  auto u = product(v, {third.hi, op.add(third.lo, op.mul(tail, square))}, op);
  // 2 z + z u + k ln 2; z.hi u.hi and k times ln 2's upper part are exact.
  auto ln2 = constant(kLn2, op);
  auto s = fast_two_sum(op.mul(z.hi, 2), op.mul(z.hi, u.hi), op);
  auto turns = fast_two_sum(op.mul(k, ln2.hi), s.hi, op);
  auto small = op.add(op.mul(z.hi, u.lo), op.mul(z.lo, op.add(op.add(u.hi, u.lo), op.constant(2))));
  return halved({turns.hi, op.add(op.add(turns.lo, s.lo), op.add(small, op.mul(k, ln2.lo)))}, op);
}

Pair log_after(const mx::array& one, const Pair& x, const Ops& op) {
  return log_after(one, x, op, op.constant(0));
}

Pair log_after(const mx::array& one, const Pair& x, const Ops& op, const mx::array& more) {
  auto k = rounded_log2(op.add(op.add(one, x.hi), x.lo), op);
  auto down = power_of_two(op.negative(k), op);
  auto above = two_sum(scaled(one, down, op), op.constant(-1), op);
  auto a = two_sum(above.hi, scaled(x.hi, down, op), op); // 2^-k (one + x) - 1
  a = fast_two_sum(a.hi, op.add(a.lo, op.add(above.lo, scaled(x.lo, down, op))), op);
  auto b = fast_two_sum(op.constant(2), a.hi, op);
  return log_of_ratio(a, {b.hi, op.add(b.lo, a.lo)}, op.add(k, more), op);
}

// ---- exp: x = k ln 2 + r, and r + r^2/2 + ... for |r| up to ln(2)/2

Exp exp(const Pair& x, const Ops& op) {
  double most = op.twice() ? 1400 : 174; // what half^2 rest reaches
  auto low = op.below(x.hi, -most), high = mx::greater(x.hi, op.constant(most), op.s);
  auto hi = op.select(low, op.constant(-most), op.select(high, op.constant(most), x.hi));
  auto lo = op.select(mx::logical_or(low, high, op.s), op.constant(0), x.lo);
  auto k = op.floor(op.add(op.mul(hi, 1 / std::numbers::ln2), op.constant(0.5)));
  auto ln2 = constant(kLn2, op);
  auto r = fast_two_sum(op.sub(hi, op.mul(k, ln2.hi)), op.sub(lo, op.mul(k, ln2.lo)), op); // the first exact
  auto tail = series(r.hi, 2, op.twice() ? 14 : 8, [](int n) { return 1 / std::tgamma(n + 1); }, op);
  auto change = op.add(r.hi, op.add(r.lo, op.mul(mx::square(r.hi, op.s), tail)));
  double largest = op.twice() ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
  auto limit = op.select(low, op.constant(0), op.select(high, op.constant(largest), op.constant(1)));
  auto two = power_of_two(k, op);
  return {change, two.half, two.rest, limit};
}

mx::array scaled(const mx::array& base, const Exp& e, const Ops& op) {
  auto part = op.mul(op.mul(base, e.half), e.rest); // between the two in size: neither lost nor infinite on the way
  part = op.add(part, op.mul(part, e.change));
  return op.mul(op.mul(part, e.half), e.limit);
}

} // namespace mlx_schedules
