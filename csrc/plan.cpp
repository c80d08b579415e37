#include "plan.h"

#include <algorithm>

#include "mlx/allocator.h"
#include "op.h"

namespace mlx_schedules {

namespace {

bool one_value(const mx::array& a) { // whatever its shape
  return a.data_size() == 1;
}

} // namespace

bool Plan::prepared_once() const {
  if (axes.shape.empty()) {
    return true;
  }
  for (int k = kStep + 1; k < kOperands; k++) {
    if (axes.stride(k, 0) != 0) {
      return false;
    }
  }
  return true;
}

Plan make_plan(const std::vector<mx::array>& inputs, const mx::array& out, bool any_order) {
  auto& step = inputs[kStep];
  bool same_shape = step.shape() == out.shape();
  bool no_gaps = any_order ? step.flags().contiguous : step.flags().row_contiguous; // a transpose, say
  bool dense = same_shape && no_gaps && std::all_of(inputs.begin() + 1, inputs.end(), one_value);
  bool in_place = same_shape && (dense || step.flags().row_contiguous) && step.itemsize() == out.itemsize();
  return {dense,
          in_place && any_order && step.is_donatable(),
          dense ? step.data_size() : out.size(),
          dense ? Axes{} : merged_axes(out.shape(), inputs)};
}

void give_memory(const Plan& plan, const std::vector<mx::array>& inputs, mx::array& out) {
  auto& step = inputs[kStep];
  if (plan.donated) {
    out.copy_shared_buffer(step);
  } else if (plan.dense) {
    auto memory = mx::allocator::malloc(plan.count * out.itemsize());
    out.set_data(std::move(memory), plan.count, step.strides(), step.flags());
  } else {
    out.set_data(mx::allocator::malloc(out.nbytes()));
  }
}

bool aligned(const mx::array& step, int width) {
  return step.offset() % (width * step.itemsize()) == 0;
}

} // namespace mlx_schedules
