// Cosine decay from MLX's own ops. The nearer end's weight keeps the last steps, as the kernels do, and no sin or cos
// of MLX's is asked: in float64 they have float32's accuracy.

#include <cmath>
#include <numbers>

#include "op.h"

namespace mlx_schedules {

namespace {

// MLX's ops on one stream, in the type that is computed in.
struct Ops {
  mx::Stream s;
  mx::Dtype real;

  mx::array constant(double x) const { return mx::array(x, real); }
  mx::array as_real(const mx::array& a) const { return mx::astype(a, real, s); }
  mx::array add(const mx::array& a, const mx::array& b) const { return mx::add(a, b, s); }
  mx::array sub(const mx::array& a, const mx::array& b) const { return mx::subtract(a, b, s); }
  mx::array mul(const mx::array& a, const mx::array& b) const { return mx::multiply(a, b, s); }

  // A condition has no derivative, and those MLX makes up for it keep the traced shape in shapeless compilation;
  // likewise what its maximum and minimum give a second time.
  mx::array select(const mx::array& condition, const mx::array& a, const mx::array& b) const {
    return mx::where(mx::stop_gradient(condition, s), a, b, s);
  }
  mx::array positive(const mx::array& a) const { // NaN passes
    return select(mx::less(a, constant(0), s), constant(0), a);
  }
};

bool is_integer(const mx::array& a) {
  return !mx::issubdtype(a.dtype(), mx::floating);
}

mx::array natural(const mx::array& a, mx::Stream s) { // what is negative has not begun, or has ended
  bool negative = mx::issubdtype(a.dtype(), mx::signedinteger);
  return mx::astype(negative ? mx::maximum(a, mx::array(0, a.dtype()), s) : a, mx::uint64, s);
}

struct Elapsed {
  mx::array nearer, first; // the distance to the nearer end, and whether that is the first
};

// The difference T - step is exact near the end: taken in integers where both are, else with T as a pair of reals.
Elapsed elapsed(const mx::array& step, const mx::array& time, const Ops& op) {
  auto s = op.s;
  if (is_integer(step) && is_integer(time)) {
    auto whole = natural(time, s);
    auto gone = mx::minimum(natural(step, s), whole, s);
    auto left = mx::subtract(whole, gone, s);
    auto first = mx::less_equal(gone, left, s);
    return {op.as_real(mx::where(first, gone, left, s)), first};
  }
  auto gone = op.positive(op.as_real(step)), high = op.as_real(time);
  auto left = op.sub(high, gone);
  if (is_integer(time)) {
    auto whole = natural(time, s), nearest = mx::astype(high, mx::uint64, s);
    auto under = op.as_real(mx::subtract(mx::maximum(whole, nearest, s), nearest, s));
    auto over = op.as_real(mx::subtract(mx::maximum(whole, nearest, s), whole, s));
    left = op.add(left, op.sub(under, over));
  }
  auto first = mx::less_equal(gone, left, s);
  return {op.select(first, gone, op.positive(left)), first};
}

// sin^2(x) = x^2 - x^4/3 + 2 x^6/45 - ..., for x to pi/4; the last term is below 2^-54 of the first (2^-25 in float32).
mx::array sine_squared(const mx::array& x, const Ops& op) {
  auto v = mx::square(x, op.s);
  auto coefficient = [](int k) { return std::pow(-4.0, k) / -2 / std::tgamma(2 * k + 1); };
  int terms = op.real == mx::float64 ? 12 : 7;
  auto sum = op.constant(coefficient(terms));
  for (int k = terms - 1; k > 0; k--) {
    sum = op.add(op.mul(sum, v), op.constant(coefficient(k)));
  }
  return op.mul(sum, v);
}

} // namespace

mx::array cosine_decay_graph(
    const mx::array& step, const mx::array& init, const mx::array& decay_steps, const mx::array& end, mx::Stream s) {
  Ops op{s, init.dtype() == mx::float64 ? mx::float64 : mx::float32};
  auto [nearer, first] = elapsed(step, decay_steps, op);
  auto ended = mx::less_equal(decay_steps, mx::array(0, decay_steps.dtype()), s);
  auto length = op.select(ended, op.constant(1), op.as_real(decay_steps));
  nearer = op.select(ended, op.mul(nearer, op.constant(0)), nearer); // and NaN stays NaN
  auto weight = sine_squared(op.mul(op.constant(std::numbers::pi / 2), mx::divide(nearer, length, s)), op);
  // Half the range times twice the weight: init - end may be more than a float holds.
  auto a = op.as_real(init), b = op.as_real(end), half = op.constant(0.5);
  auto change = op.mul(op.sub(op.mul(a, half), op.mul(b, half)), op.add(weight, weight));
  auto from_first = mx::logical_and(first, mx::logical_not(ended, s), s);
  return mx::astype(op.select(from_first, op.sub(a, change), op.add(b, change)), init.dtype(), s);
}

} // namespace mlx_schedules
