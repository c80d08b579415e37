#include "plan.h"

#include <algorithm>

#include "mlx/allocator.h"
#include "op.h"

namespace mlx_schedules {

namespace {

bool takes(const mx::array& out, const mx::array& step) { // whether out may take over the steps' memory
  return step.is_donatable() && step.itemsize() == out.itemsize();
}

// Whether an input has a single value along its axes from `first` on.
bool has_one_value(const mx::array& a, size_t first) {
  for (size_t i = first; i < a.ndim(); i++) {
    if (a.shape(i) != 1 && a.strides(i) != 0) {
      return false;
    }
  }
  return true;
}

bool same_along_entries(const Axes& axes, size_t input) { // the entries of the outermost axis
  return axes.stride(input, 0) == 0;
}

void lie_alike(mx::array& out, const mx::array& step) {
  auto memory = mx::allocator::malloc(step.data_size() * out.itemsize());
  out.set_data(std::move(memory), step.data_size(), step.strides(), step.flags());
}

} // namespace

bool Plan::prepared_once() const {
  size_t input = 1;
  while (!contiguous && input < column_strides.size() && same_along_entries(axes, input)) {
    input++;
  }
  return contiguous || input == column_strides.size();
}

bool is_contiguous(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out, bool any_order) {
  auto& step = inputs[kStep];
  bool no_gaps = any_order ? step.flags().contiguous : step.flags().row_contiguous; // also a transpose, for example
  bool contiguous = no_gaps && step.shape() == out.shape();
  for (size_t i = kInit; contiguous && i < inputs.size(); i++) {
    contiguous = has_one_value(inputs[i], has_columns(columns, i, inputs[i].ndim()));
  }
  return contiguous;
}

Plan make_plan(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out, bool any_order) {
  auto& step = inputs[kStep];
  auto list = views(inputs, columns);
  bool same_shape = step.shape() == out.shape();
  bool contiguous = is_contiguous(inputs, columns, out, any_order);
  Plan plan{contiguous,
            any_order && same_shape && (contiguous || step.flags().row_contiguous) && takes(out, step),
            contiguous ? step.data_size() : out.size(),
            contiguous ? Axes{} : merged_axes(out.shape(), list),
            {}};
  std::transform(
      list.begin(), list.end(), std::back_inserter(plan.column_strides), [](auto& view) { return view.column_stride; });
  return plan;
}

void give_memory(const Plan& plan, const std::vector<mx::array>& inputs, mx::array& out) {
  auto& step = inputs[kStep];
  if (plan.donated) {
    out.copy_shared_buffer(step);
  } else if (plan.contiguous) {
    lie_alike(out, step);
  } else {
    out.set_data(mx::allocator::malloc(out.nbytes()));
  }
}

TimeType time_type(mx::Dtype t) {
  switch (t.val()) {
    case mx::Dtype::Val::int32:
      return kInt32;
    case mx::Dtype::Val::uint32:
      return kUint32;
    case mx::Dtype::Val::int64:
      return kInt64;
    case mx::Dtype::Val::uint64:
      return kUint64;
    default:
      return kFloat32;
  }
}

Known known(const std::vector<mx::array>& inputs, const Columns& columns) {
  Known known;
  for (auto ease : columns.eases) {
    known.eases |= 1 << ease;
  }
  for (size_t i = 0; i < inputs.size(); i++) {
    auto k = columns.operands[i];
    known.operands |= 1 << k;
    if (k == kLength || k == kBegin || k == kLead || k == kPeriod) { // others have the output's type
      known.types |= time_type(inputs[i].dtype()) << (kTypeBits * k);
    }
  }
  return known;
}

bool takes_exact_steps(const std::vector<mx::array>& inputs, const Columns& columns) {
  auto numbers = known(inputs, columns);
  return ::takes_exact_steps(numbers.operands, numbers.types);
}

bool aligned(const mx::array& step, int width) {
  return step.offset() % (width * step.itemsize()) == 0;
}

} // namespace mlx_schedules
