// Derivatives, through the same value as a graph of MLX's ops, and vectorisation.

#include <algorithm>

#include "mlx/transforms.h"
#include "op.h"

namespace mlx_schedules {

namespace {

// The float operands of `argnums`: what derivatives are taken by. The others have none.
std::vector<int> differentiable(const std::vector<mx::array>& primals, const std::vector<int>& argnums) {
  std::vector<int> found;
  std::copy_if(argnums.begin(), argnums.end(), std::back_inserter(found), [&](int k) {
    return mx::issubdtype(primals[k].dtype(), mx::floating);
  });
  return found;
}

// The graph as a function of those operands alone.
auto graph_of(const std::vector<mx::array>& primals, const std::vector<int>& argnums, mx::Stream s) {
  return [=](const std::vector<mx::array>& given) {
    auto operands = primals;
    for (size_t i = 0; i < argnums.size(); i++) {
      operands[argnums[i]] = given[i];
    }
    return std::vector<mx::array>{
        cosine_decay_graph(operands[kStep], operands[kInit], operands[kDecaySteps], operands[kEnd], s)};
  };
}

// Zeros like an array's; mx::zeros_like would keep the traced shape in shapeless compilation.
mx::array zeros_of(const mx::array& a, mx::Stream s) {
  auto zero = mx::array(0, a.dtype());
  return mx::where(mx::equal(a, a, s), zero, zero, s);
}

std::vector<mx::array> chosen(const std::vector<mx::array>& arrays, const std::vector<int>& argnums) {
  std::vector<mx::array> result;
  for (int k : argnums) {
    result.push_back(arrays[k]);
  }
  return result;
}

} // namespace

std::vector<mx::array> CosineDecay::vjp(const std::vector<mx::array>& primals,
                                        const std::vector<mx::array>& cotangents,
                                        const std::vector<int>& argnums,
                                        const std::vector<mx::array>&) {
  auto floats = differentiable(primals, argnums);
  auto found = mx::vjp(graph_of(primals, floats, stream()), chosen(primals, floats), cotangents).second;
  std::vector<mx::array> vjps;
  for (size_t i = 0, next = 0; i < argnums.size(); i++) {
    bool has = next < floats.size() && floats[next] == argnums[i];
    vjps.push_back(has ? found[next++] : zeros_of(primals[argnums[i]], stream()));
  }
  return vjps;
}

// Not by mx::jvp, which keeps traced shapes in shapeless compilation wherever a constant is broadcast. The value
// depends element by element on operands that are as large as it, so their cotangents for ones are its partial
// derivatives.
std::vector<mx::array> CosineDecay::jvp(const std::vector<mx::array>& primals,
                                        const std::vector<mx::array>& tangents,
                                        const std::vector<int>& argnums) {
  auto s = stream();
  auto floats = differentiable(primals, argnums);
  auto total = zeros_of(cosine_decay(primals[0], primals[1], primals[2], primals[3], s), s);
  auto wide = chosen(primals, floats);
  for (auto& operand : wide) {
    operand = mx::add(operand, mx::astype(total, operand.dtype(), s), s);
  }
  auto ones = mx::add(total, mx::array(1, total.dtype()), s);
  auto partials = mx::vjp(graph_of(primals, floats, s), wide, {ones}).second;
  for (size_t i = 0, next = 0; i < argnums.size(); i++) {
    if (next < floats.size() && floats[next] == argnums[i]) {
      auto slope = mx::astype(partials[next++], total.dtype(), s);
      total = mx::add(total, mx::multiply(mx::astype(tangents[i], total.dtype(), s), slope, s), s);
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
