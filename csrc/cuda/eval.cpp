// The CUDA backend: chooses a kernel, its arguments and its grid.

#include "cuda/columns.h"
#include "cuda/launcher.h"
#include "mlx/allocator.h"
#include "op.h"
#include "plan.h"

namespace mlx_schedules {

namespace {

using namespace cuda;

// Whether the schedule is one segment from step 0 on whose ease has no parameter.
bool is_plain(const Columns& columns) {
  return columns.eases.size() == 1 && columns.operands.size() == kEnd + 1;
}

Launch launch(const std::vector<mx::array>& inputs, const mx::array& out, const Columns& columns) {
  int length = int(inputs[kLength].dtype().val()), ease = columns.eases[0];
  auto plan = plan_of(inputs, columns, out);
  std::vector<mx::array> views;
  int64_t n = out.size();
  if (plan.contiguous && aligned(inputs[kStep], 4)) {
    for (auto& a : inputs) { // the count is passed as a stride, which has 64 bits; a shape has 32
      views.push_back(view(a, read_as(a), {1}, {n}));
    }
    // 4 Fours a thread; 16 were 2 % slower.
    return {{kSegmentContiguous, length, ease}, threads_for((n + 3) / 4, 4), std::move(views)};
  }
  auto axes = strided_axes(inputs, columns, out, plan);
  size_t rank = axes.shape.size();
  for (size_t k = 0; k < inputs.size(); k++) {
    auto first = axes.strides.begin() + k * rank;
    mx::Shape shape(axes.shape.begin(), axes.shape.end());
    views.push_back(view(inputs[k], read_as(inputs[k]), std::move(shape), mx::Strides(first, first + rank)));
  }
  auto general = n > INT32_MAX ? kSegmentGeneralLarge : kSegmentGeneral;
  // Preparing a segment takes 480 instructions, and an element 43 to 52.
  return {{general, length, ease}, threads_for(n, plan.prepared_once() ? 128 : 16), std::move(views)};
}

void eval_segment(const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, mx::Stream s) {
  run(launch(inputs, out, columns), inputs, columns, out, s);
}

} // namespace

void Schedule::eval_gpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
  auto& out = outputs[0];
  if (out.size() == 0) {
    out.set_data(mx::allocator::malloc(0));
    return;
  }
  auto* eval = is_plain(*columns_) ? eval_segment : eval_columns;
  if (!eval_few(inputs, out, *columns_, stream())) {
    eval(inputs, out, *columns_, stream());
  }
}

} // namespace mlx_schedules
