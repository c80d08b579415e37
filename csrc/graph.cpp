// Cosine decay from MLX's own ops. sin^2 of the nearer end's angle keeps the last steps, as the kernel does.

#include <numbers>

#include "op.h"

namespace mlx_schedules {

mx::array cosine_decay_graph(
    const mx::array& step, const mx::array& init, const mx::array& decay_steps, const mx::array& end, mx::Stream s) {
  auto out = init.dtype();
  auto real = out == mx::float64 ? mx::float64 : mx::float32;
  auto constant = [&](double x) { return mx::array(x, real); };

  // The difference T - step is taken in integers where both are, so that it is exact beyond 2^24 as well.
  bool integers = !mx::issubdtype(step.dtype(), mx::floating) && !mx::issubdtype(decay_steps.dtype(), mx::floating);
  auto wide = integers ? mx::uint64 : real;
  auto natural = [&](const mx::array& a) {
    bool negative = mx::issubdtype(a.dtype(), mx::signedinteger);
    return mx::astype(negative ? mx::maximum(a, mx::array(0, a.dtype()), s) : a, wide, s);
  };
  auto zero = mx::array(0, wide);
  auto time = natural(decay_steps);
  auto elapsed = mx::minimum(mx::maximum(natural(step), zero, s), time, s);
  auto left = mx::subtract(time, elapsed, s);
  auto first = mx::less_equal(elapsed, left, s);
  auto ended = mx::less_equal(time, zero, s);

  auto nearer = mx::astype(mx::where(first, elapsed, left, s), real, s);
  auto length = mx::astype(mx::where(ended, mx::array(1, wide), time, s), real, s);
  auto angle = mx::multiply(constant(std::numbers::pi / 2), mx::divide(nearer, length, s), s);
  auto weight = mx::square(mx::sin(angle, s), s);
  auto a = mx::astype(init, real, s), b = mx::astype(end, real, s);
  auto range = mx::subtract(a, b, s);
  auto fall = mx::multiply(range, weight, s);
  auto value = mx::where(ended,
                         mx::add(b, mx::multiply(constant(0), weight, s), s),
                         mx::where(first, mx::subtract(a, fall, s), mx::add(b, fall, s), s),
                         s);
  return mx::astype(value, out, s);
}

} // namespace mlx_schedules
