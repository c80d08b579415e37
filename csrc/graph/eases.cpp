// With derivatives. The nearer end's weight keeps the last steps, as the kernels do. Cosine asks no sin or cos of
// MLX's, which in float64 have float32's accuracy.

#include "eases.h"

#include <cmath>
#include <numbers>

namespace mlx_schedules {

namespace {

// sin^2(x) = x^2 - x^4/3 + 2 x^6/45 - ..., for x to pi/4; the last term is below 2^-54 of the first (2^-25 in float32).
mx::array sine_squared(const mx::array& x, const Ops& op) {
  auto v = mx::square(x, op.s);
  auto coefficient = [](int k) { return std::pow(-4.0, k) / -2 / std::tgamma(2 * k + 1); };
  int terms = op.twice() ? 12 : 7;
  auto sum = op.constant(coefficient(terms));
  for (int k = terms - 1; k > 0; k--) {
    sum = op.add(op.mul(sum, v), op.constant(coefficient(k)));
  }
  return op.mul(sum, v);
}

mx::array Hold(const Elapsed& e, const Ends& ends, const mx::array&, const Ops& op) {
  return op.add(ends.init, op.mul(e.nearer, op.constant(0))); // and NaN stays NaN
}

mx::array Linear(const Elapsed& e, const Ends& ends, const mx::array&, const Ops& op) {
  return interpolated(e.first, op.div(e.nearer, e.length), ends, op);
}

mx::array Cosine(const Elapsed& e, const Ends& ends, const mx::array&, const Ops& op) {
  auto angle = op.mul(op.constant(std::numbers::pi / 2), op.div(e.nearer, e.length));
  return interpolated(e.first, sine_squared(angle, op), ends, op);
}

mx::array Power(const Elapsed& e, const Ends& ends, const mx::array& parameter, const Ops& op) {
  auto f = op.div(e.nearer, e.length);
  auto none = op.both(e.first, mx::equal(f, op.constant(0), op.s)); // whose logarithm has no derivative
  auto head = mx::log(op.select(op.both(e.first, mx::not_equal(f, op.constant(0), op.s)), f, op.constant(1)), op.s);
  auto tail = mx::log1p(op.select(e.first, op.constant(0), op.mul(f, op.constant(-1))), op.s);
  auto l = op.mul(parameter, op.select(e.first, head, tail));
  auto first = mx::logical_or(op.below(l, -std::numbers::ln2), none, op.s); // by weight
  auto begun = op.select(none, op.mul(f, op.constant(0)), mx::exp(l, op.s));
  return interpolated(first, op.select(first, begun, op.mul(mx::expm1(l, op.s), op.constant(-1))), ends, op);
}

mx::array ReversePower(const Elapsed& e, const Ends& ends, const mx::array& parameter, const Ops& op) {
  auto mirrored = e;
  mirrored.first = mx::logical_not(e.first, op.s);
  return Power(mirrored, {ends.end, ends.init}, parameter, op);
}

// Where the ratio of the ends leaves the reals, the logarithms of both.
mx::array Geometric(const Elapsed& e, const Ends& ends, const mx::array&, const Ops& op) {
  auto ratio = op.div(ends.end, ends.init);
  auto fits = op.both(mx::greater(ratio, op.constant(0x1p-100), op.s), op.below(ratio, 0x1p100));
  auto near = mx::log(op.select(fits, ratio, op.constant(1)), op.s);
  auto apart = op.sub(mx::log(mx::abs(ends.end, op.s), op.s), mx::log(mx::abs(ends.init, op.s), op.s));
  auto l = op.mul(op.select(fits, near, apart), op.div(e.nearer, e.length));
  auto falls = op.mul(ends.end, mx::exp(op.mul(l, op.constant(-1)), op.s));
  return op.select(e.first, op.mul(ends.init, mx::exp(l, op.s)), falls);
}

mx::array Exponential(const Elapsed& e, const Ends& ends, const mx::array& log_of_rate, const Ops& op) {
  return op.mul(ends.init, mx::exp(op.mul(log_of_rate, op.div(e.n, e.length)), op.s));
}

mx::array Stairs(const Elapsed& e, const Ends& ends, const mx::array& log_of_rate, const Ops& op) {
  return op.mul(ends.init, mx::exp(op.mul(log_of_rate, e.turns), op.s));
}

mx::array InversePower(const Elapsed& e, const Ends& ends, const mx::array& parameter, const Ops& op) {
  auto l = op.mul(parameter, mx::log1p(op.div(e.n, e.length), op.s));
  return op.mul(ends.init, mx::exp(op.mul(l, op.constant(-1)), op.s));
}

#define MLXS_EASE_FUNCTION(type, ...) type,
constexpr decltype(&Hold) kFunctions[kEases] = {MLXS_EASES(MLXS_EASE_FUNCTION)};

} // namespace

// Half the range times twice the weight: the range may exceed a float.
mx::array interpolated(const mx::array& first, const mx::array& weight, const Ends& ends, const Ops& op) {
  auto half = op.constant(0.5);
  auto change = op.mul(op.sub(op.mul(ends.init, half), op.mul(ends.end, half)), op.add(weight, weight));
  return op.select(first, op.sub(ends.init, change), op.add(ends.end, change));
}

mx::array ease_value(EaseCode ease, const Elapsed& e, const Ends& ends, const mx::array& parameter, const Ops& op) {
  return kFunctions[ease](e, ends, parameter, op);
}

} // namespace mlx_schedules
