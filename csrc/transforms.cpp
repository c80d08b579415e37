// Derivatives, which are taken from the graph of MLX's ops, and vectorisation.

#include <algorithm>
#include <numeric>

#include "axes.h"
#include "mlx/transforms.h"

namespace mlx_schedules {

namespace {

// Those of `argnums` that are float inputs. The others have no derivatives.
std::vector<int> differentiable(const std::vector<mx::array>& primals, const std::vector<int>& argnums) {
  std::vector<int> found;
  std::copy_if(argnums.begin(), argnums.end(), std::back_inserter(found), [&](int k) {
    return mx::issubdtype(primals[k].dtype(), mx::floating);
  });
  return found;
}

// Zeros of the shape of `a`. In shapeless compilation, mx::zeros_like would keep the traced shape.
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

std::vector<int> axes_from(int first, int count) {
  std::vector<int> axes(std::max(count, 0));
  std::iota(axes.begin(), axes.end(), first);
  return axes;
}

} // namespace

// The graph as a function of the inputs `argnums` only.
Schedule::Function Schedule::graph_of(const std::vector<mx::array>& primals, const std::vector<int>& argnums) {
  return [=, columns = columns_, s = stream()](const std::vector<mx::array>& given) {
    auto inputs = primals;
    for (size_t i = 0; i < argnums.size(); i++) {
      inputs[argnums[i]] = given[i];
    }
    return std::vector<mx::array>{graph(inputs, *columns, s)};
  };
}

std::vector<mx::array> Schedule::vjp(const std::vector<mx::array>& primals,
                                     const std::vector<mx::array>& cotangents,
                                     const std::vector<int>& argnums,
                                     const std::vector<mx::array>&) {
  auto floats = differentiable(primals, argnums);
  auto found = mx::vjp(graph_of(primals, floats), chosen(primals, floats), cotangents).second;
  std::vector<mx::array> vjps;
  for (size_t i = 0, next = 0; i < argnums.size(); i++) {
    bool has = next < floats.size() && floats[next] == argnums[i];
    vjps.push_back(has ? found[next++] : zeros_of(primals[argnums[i]], stream()));
  }
  return vjps;
}

// In shapeless compilation, mx::jvp keeps traced shapes wherever a constant is broadcast. So this widens the inputs
// (for each column) to the shape of the value. Each element of the value then depends on one element of an input, and
// the vjp of ones gives the partial derivatives.
std::vector<mx::array> Schedule::jvp(const std::vector<mx::array>& primals,
                                     const std::vector<mx::array>& tangents,
                                     const std::vector<int>& argnums) {
  auto s = stream();
  auto floats = differentiable(primals, argnums);
  auto total = zeros_of(make(primals), s);
  auto type = total.dtype();
  int rank = total.ndim();
  auto aligned = [&](const mx::array& a, int k) { // lines up its groups with the value's last axes
    bool front = has_columns(*columns_, k, a.ndim());
    return front ? mx::expand_dims(a, axes_from(1, rank + 1 - int(a.ndim())), s) : a;
  };
  std::vector<mx::array> wide;
  for (int k : floats) {
    auto a = aligned(primals[k], k);
    wide.push_back(mx::add(a, mx::astype(total, a.dtype(), s), s));
  }
  auto ones = mx::add(total, mx::array(1, type), s);
  auto partials = mx::vjp(graph_of(primals, floats), wide, {ones}).second;
  for (size_t i = 0, next = 0; i < argnums.size(); i++) {
    int k = argnums[i];
    if (next < floats.size() && floats[next] == k) {
      auto tangent = mx::astype(aligned(tangents[i], k), type, s);
      auto change = mx::multiply(tangent, mx::astype(partials[next++], type, s), s);
      bool front = has_columns(*columns_, k, primals[k].ndim());
      total = mx::add(total, front ? mx::sum(change, 0, false, s) : change, s);
    }
  }
  return {total};
}

// Moves the mapped axis to the front, after that of the columns, and adds unit axes after it, so that the other axes
// broadcast as before.
std::pair<std::vector<mx::array>, std::vector<int>> Schedule::vmap(const std::vector<mx::array>& inputs,
                                                                   const std::vector<int>& axes) {
  auto front = [&](size_t i) { return has_columns(*columns_, i, inputs[i].ndim() - (axes[i] >= 0)) ? 1 : 0; };
  auto rank = [&](size_t i) { return int(inputs[i].ndim()) - (axes[i] >= 0) - front(i); };
  int most = 0;
  for (size_t i = 0; i < inputs.size(); i++) {
    most = std::max(most, rank(i));
  }
  auto mapped = inputs;
  for (size_t i = 0; i < inputs.size(); i++) {
    if (axes[i] >= 0) {
      auto moved = mx::moveaxis(inputs[i], axes[i], front(i), stream());
      mapped[i] = mx::expand_dims(moved, axes_from(front(i) + 1, most - rank(i)), stream());
    }
  }
  return {{make(mapped)}, {0}};
}

} // namespace mlx_schedules
