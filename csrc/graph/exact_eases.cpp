// From pairs: a logarithm that is multiplied by the number of steps, and the exponential of such a product, err by as
// many units as the exponent is large.

#include <cmath>
#include <numbers>

#include "eases.h"

namespace mlx_schedules {

namespace {

using Steps = Along<Pair>;

// f^p, f = n/T, as the weight from the end that is nearer by weight.
mx::array Power(const Steps& e, const Ends& ends, const Pair& parameter, const Ops& op) {
  auto f = quotient(e.nearer, e.length, op);
  auto none = op.both(e.first, mx::equal(op.add(f.hi, f.lo), op.constant(0), op.s));
  auto head = op.both(e.first, mx::logical_not(none, op.s)); // log f; in the second half log(1 - f)
  auto l = log_after(op.select(head, op.constant(0), op.constant(1)), select(e.first, f, negated(f, op), op), op);
  auto power = exp(product(halved(parameter, op), l, op), op);
  auto size = scaled(op.constant(1), Exponent{power.half, power.rest}, op);
  auto come = op.select(none, op.add(f.hi, f.lo), scaled(op.constant(1), power, op));
  auto left = op.sub(op.sub(op.constant(1), size), op.mul(size, power.change)); // size is 1 or 1/2 where that is nearer
  auto first = op.below(come, 0.5); // by weight: by the step, a steep power would lose digits
  return interpolated(first, op.select(first, come, left), ends, op);
}

mx::array ReversePower(const Steps& e, const Ends& ends, const Pair& parameter, const Ops& op) {
  auto mirrored = e;
  mirrored.first = mx::logical_not(e.first, op.s);
  return Power(mirrored, {ends.end, ends.init}, parameter, op);
}

// x 2^-k in [sqrt(1/2), sqrt(2)].
struct Reduced {
  mx::array x, k;
};

Reduced reduced(const mx::array& x, const Ops& op) {
  auto k = rounded_log2(x, op);
  return {scaled(x, power_of_two(op.negative(k), op), op), k};
}

// (to/from)^(n/T), from the nearer end; NaN where the ends' signs differ or one is 0.
mx::array Geometric(const Steps& e, const Ends& ends, const Pair&, const Ops& op) {
  auto init = reduced(mx::abs(ends.init, op.s), op), end = reduced(mx::abs(ends.end, op.s), op);
  auto root = op.constant(std::numbers::sqrt2);
  auto low = mx::less(op.mul(end.x, root), init.x, op.s), high = mx::less(op.mul(init.x, root), end.x, op.s);
  auto up = op.select(low, op.constant(1), op.select(high, op.constant(-1), op.constant(0)));
  auto x = op.mul(end.x, op.select(low, op.constant(2), op.select(high, op.constant(0.5), op.constant(1))));
  auto difference = two_sum(x, op.negative(init.x), op);
  auto l = log_of_ratio(difference, two_sum(x, init.x, op), op.sub(op.sub(end.k, init.k), up), op);
  auto power = product(l, quotient(e.nearer, e.length, op), op);
  auto value = exp(select(e.first, power, negated(power, op), op), op);
  auto good = mx::greater(op.mul(mx::sign(ends.init, op.s), mx::sign(ends.end, op.s)), op.constant(0), op.s);
  auto base = op.select(good, op.select(e.first, ends.init, ends.end), op.constant(std::nan("")));
  return scaled(base, value, op);
}

// The shape is r - 1, and below one half -2^126 r (2^1022 in float64), as kernels/ease/exponential.h has it.
Pair log_of_rate(const Pair& parameter, const Ops& op) {
  auto small = mx::less_equal(parameter.hi, op.constant(-2), op.s);
  auto one = op.select(small, op.constant(0), op.constant(1));
  auto k = op.select(small, op.constant(op.twice() ? -1022 : -126), op.constant(0));
  return log_after(one, select(small, negated(parameter, op), parameter, op), op, k);
}

mx::array Exponential(const Steps& e, const Ends& ends, const Pair& parameter, const Ops& op) {
  auto l = product(log_of_rate(parameter, op), quotient(e.n, e.length, op), op);
  return scaled(ends.init, exp(l, op), op);
}

mx::array Stairs(const Steps& e, const Ends& ends, const Pair& parameter, const Ops& op) {
  auto l = product(log_of_rate(parameter, op), halved(e.turns, op), op);
  return scaled(ends.init, exp(l, op), op);
}

mx::array InversePower(const Steps& e, const Ends& ends, const Pair& parameter, const Ops& op) {
  auto l = log_after(op.constant(1), quotient(e.n, e.length, op), op);
  return scaled(ends.init, exp(negated(product(halved(parameter, op), l, op), op), op), op);
}

constexpr decltype(&Power) Hold = nullptr, Linear = nullptr, Cosine = nullptr; // exact enough without

#define MLXS_EASE_FUNCTION(type, ...) type,
constexpr decltype(&Power) kFunctions[kEases] = {MLXS_EASES(MLXS_EASE_FUNCTION)};

} // namespace

bool has_exact_value(EaseCode ease) {
  return kFunctions[ease] != nullptr;
}

mx::array exact_value(EaseCode ease, const Along<Pair>& e, const Ends& ends, const Pair& parameter, const Ops& op) {
  return kFunctions[ease](e, ends, parameter, op);
}

} // namespace mlx_schedules
