// Derivatives and vectorisation.
//
//   d/d init = cos^2(pi/2 s/T)    d/d end = sin^2(pi/2 s/T)      the same primitive, with other init and end
//   d/d step = (end - init) pi/(2T) sin(pi s/T)                  MLX's ops; 0 outside 0 < step < T
//   d/d T    = -s/T d/d step

#include <algorithm>
#include <numbers>

#include "op.h"

namespace mlx_schedules {

namespace {

enum Operand { kStep, kInit, kTime, kEnd };

// The derivative of the output by one operand, in the output's dtype and (up to broadcasting) shape.
mx::array partial(const std::vector<mx::array>& in, int operand, mx::Stream s) {
  auto out = in[kInit].dtype();
  if (operand == kInit || operand == kEnd) {
    auto one = mx::array(1.0f, out), zero = mx::array(0.0f, out);
    return operand == kInit ? cosine_decay(in[kStep], one, in[kTime], zero, s)
                            : cosine_decay(in[kStep], zero, in[kTime], one, s);
  }
  auto real = out == mx::float64 ? mx::float64 : mx::float32;
  auto constant = [&](double x) { return mx::array(x, real); };
  auto time = mx::astype(in[kTime], real, s);
  auto ended = mx::less_equal(time, constant(0), s);
  time = mx::where(ended, constant(1), time, s);
  auto step = mx::clip(mx::astype(in[kStep], real, s), constant(0), time, s);
  auto nearer = mx::minimum(step, mx::subtract(time, step, s), s); // sin is 0 to the last bit at both ends
  auto angle = mx::multiply(constant(std::numbers::pi), mx::divide(nearer, time, s), s);
  auto range = mx::subtract(mx::astype(in[kEnd], real, s), mx::astype(in[kInit], real, s), s);
  auto slope =
      mx::multiply(mx::multiply(range, constant(std::numbers::pi / 2), s), mx::divide(mx::sin(angle, s), time, s), s);
  if (operand == kTime) {
    slope = mx::negative(mx::multiply(slope, mx::divide(step, time, s), s), s);
  }
  return mx::astype(mx::where(ended, constant(0), slope, s), out, s);
}

// Sums what broadcasting spread, so that the gradient has its operand's shape again.
mx::array reduced(const mx::array& gradient, const mx::array& operand, mx::Stream s) {
  std::vector<int> axes;
  int extra = gradient.ndim() - operand.ndim();
  for (int i = 0; i < static_cast<int>(gradient.ndim()); i++) {
    if (i < extra || (operand.shape(i - extra) == 1 && gradient.shape(i) != 1)) {
      axes.push_back(i);
    }
  }
  auto sum = axes.empty() ? gradient : mx::sum(gradient, axes, true, s);
  return mx::astype(mx::reshape(sum, operand.shape(), s), operand.dtype(), s);
}

} // namespace

std::vector<mx::array> CosineDecay::vjp(const std::vector<mx::array>& primals,
                                        const std::vector<mx::array>& cotangents,
                                        const std::vector<int>& argnums,
                                        const std::vector<mx::array>&) {
  auto s = stream();
  std::vector<mx::array> vjps;
  for (int k : argnums) {
    if (mx::issubdtype(primals[k].dtype(), mx::floating)) {
      vjps.push_back(reduced(mx::multiply(cotangents[0], partial(primals, k, s), s), primals[k], s));
    } else {
      vjps.push_back(mx::zeros_like(primals[k], s));
    }
  }
  return vjps;
}

std::vector<mx::array> CosineDecay::jvp(const std::vector<mx::array>& primals,
                                        const std::vector<mx::array>& tangents,
                                        const std::vector<int>& argnums) {
  auto s = stream();
  auto out = primals[kInit].dtype();
  auto total = mx::zeros(output_shapes(primals)[0], out, s);
  for (size_t i = 0; i < argnums.size(); i++) {
    if (mx::issubdtype(primals[argnums[i]].dtype(), mx::floating)) {
      auto tangent = mx::astype(tangents[i], out, s);
      total = mx::add(total, mx::multiply(tangent, partial(primals, argnums[i], s), s), s);
    }
  }
  return {total};
}

// The mapped axis moves to the front and unit axes follow it, so that what is left broadcasts as before.
std::pair<std::vector<mx::array>, std::vector<int>> CosineDecay::vmap(const std::vector<mx::array>& inputs,
                                                                      const std::vector<int>& axes) {
  auto s = stream();
  int rank = 0;
  for (size_t i = 0; i < inputs.size(); i++) {
    rank = std::max(rank, static_cast<int>(inputs[i].ndim()) - (axes[i] >= 0));
  }
  auto mapped = inputs;
  for (size_t i = 0; i < inputs.size(); i++) {
    if (axes[i] < 0) {
      continue;
    }
    auto a = mx::moveaxis(inputs[i], axes[i], 0, s);
    std::vector<int> unit(rank + 1 - a.ndim());
    for (size_t k = 0; k < unit.size(); k++) {
      unit[k] = 1 + k;
    }
    mapped[i] = unit.empty() ? a : mx::expand_dims(a, unit, s);
  }
  return {{cosine_decay(mapped[0], mapped[1], mapped[2], mapped[3], s)}, {0}};
}

} // namespace mlx_schedules
