#include "cuda/inputs.h"

#include "pack.h"

namespace mlx_schedules::cuda {

namespace {

Kernel kernel_of(Layout layout, const std::vector<mx::array>& inputs, const Columns& columns) {
  Kernel kernel{layout};
  kernel.known = known(inputs, columns);
  return kernel;
}

// Whether the numbers lie exactly as `pack` leaves them. Numbers at other places are passed one by one, as they would
// need a kernel for each placement.
bool are_packed(const std::vector<mx::array>& inputs) {
  size_t at = inputs[kInit].offset();
  for (size_t i = kInit; i < inputs.size(); i++) {
    auto& a = inputs[i];
    if (a.data_shared_ptr() != inputs[kInit].data_shared_ptr() || size_t(a.offset()) != at) {
      return false;
    }
    at += room(a);
  }
  return true;
}

} // namespace

mx::Dtype read_as(const mx::array& a) {
  return a.dtype() == mx::bool_ ? mx::uint8 : a.dtype();
}

mx::array view(const mx::array& a, mx::Dtype as, mx::Shape shape, mx::Strides strides) {
  mx::array v(std::move(shape), as, nullptr, {});
  v.copy_shared_buffer(a, std::move(strides), a.flags(), a.data_size());
  return v;
}

std::optional<Launch> without_strides(Layout layout,
                                      const std::vector<mx::array>& inputs,
                                      const Columns& columns,
                                      size_t elements) {
  auto kernel = kernel_of(layout, inputs, columns);
  kernel.columns = columns.eases.size();
  for (size_t i = 0; i < inputs.size(); i++) {
    auto& a = inputs[i];
    size_t count = has_columns(columns, i, a.ndim()) ? a.shape(0) : 1;
    bool one = a.size() == count || a.data_size() == count; // the latter if broadcast
    bool same = one && (count == 1 || a.strides(0) == 1);
    if (!same && (a.size() != count * elements || !a.flags().row_contiguous)) {
      return std::nullopt;
    }
    int bit = 1 << columns.operands[i];
    kernel.by_column |= count > 1 ? bit : 0;
    kernel.by_element |= same ? 0 : bit;
  }
  kernel.packed = are_packed(inputs);
  std::vector<mx::array> views(inputs.begin(), kernel.packed ? inputs.begin() + kInit + 1 : inputs.end());
  auto& step = views[kStep];
  if (step.dtype() == mx::bool_) {
    step = view(step, read_as(step), step.shape(), step.strides());
  }
  return Launch{kernel, std::move(views)};
}

Launch with_strides(Layout layout,
                    const std::vector<mx::array>& inputs,
                    const Columns& columns,
                    const mx::array& out,
                    const Plan& plan) {
  auto axes = plan.contiguous ? merged_axes(out.shape(), views(inputs, columns)) : plan.axes;
  size_t rank = axes.shape.size();
  mx::Shape shape(axes.shape.begin(), axes.shape.end());
  shape.push_back(columns.eases.size());
  std::vector<mx::array> views;
  for (size_t i = 0; i < inputs.size(); i++) {
    auto first = axes.strides.begin() + i * rank;
    mx::Strides strides(first, first + rank);
    strides.push_back(plan.column_strides[i]);
    auto dtype = i == kStep ? read_as(inputs[i]) : mx::uint8; // the kernels know the other dtypes
    views.push_back(view(inputs[i], dtype, shape, std::move(strides)));
  }
  return {kernel_of(layout, inputs, columns), std::move(views)};
}

} // namespace mlx_schedules::cuda
