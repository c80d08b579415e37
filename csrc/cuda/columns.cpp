// Evaluates many elements of any columns, with kernels/cuda/columns.cu and columns_contiguous.cu.

#include "cuda/columns.h"

#include <algorithm>
#include <map>

namespace mlx_schedules::cuda {

namespace {

#include "cuda/arguments.h"

// What the kernels need to know about a schedule besides its numbers, made once for all schedules of the same kind.
const mx::array& about(const Columns& columns) {
  static thread_local std::map<std::vector<int>, mx::array> made;
  std::vector<int> all(kEaseCodes, 0);
  all[kColumns] = columns.eases.size();
  all[kRepeat] = columns.repeat;
  all.insert(all.end(), columns.eases.begin(), columns.eases.end());
  auto found = made.find(all);
  if (found == made.end()) {
    mx::array a(all.begin(), {int(all.size())}, mx::int32);
    found = made.emplace(std::move(all), std::move(a)).first;
  }
  return found->second;
}

Launch launch(const std::vector<mx::array>& inputs, const mx::array& out, const Columns& columns) {
  int count = columns.eases.size();
  auto plan = plan_of(inputs, columns, out);
  bool exact_reals = mx::issubdtype(inputs[kStep].dtype(), mx::floating) && takes_exact_steps(inputs, columns);
  bool contiguous = plan.contiguous && aligned(inputs[kStep], 4) && count <= kTable && columns.repeat < 0;
  contiguous = contiguous && !exact_reals;
  auto axes = contiguous ? Axes{{1}, {}, 0} : strided_axes(inputs, columns, out, plan);
  size_t rank = axes.shape.size();
  mx::Shape shape(axes.shape.begin(), axes.shape.end());
  shape.push_back(count);
  std::vector<mx::array> views;
  for (size_t i = 0; i < inputs.size(); i++) {
    mx::Strides strides(rank + 1, out.size()); // the count is passed as a stride, as in eval.cpp
    if (!contiguous) {
      std::copy_n(axes.strides.begin() + i * rank, rank, strides.begin());
    }
    strides[rank] = plan.column_strides[i];                   // to the next column
    auto dtype = i == kStep ? read_as(inputs[i]) : mx::uint8; // the kernels know the other dtypes
    views.push_back(view(inputs[i], dtype, shape, std::move(strides)));
  }
  Variant general = out.size() > INT32_MAX ? kColumnsGeneralLarge : kColumnsGeneral;
  auto variant = contiguous ? kColumnsContiguous : general;
  views.push_back(about(columns));
  int threads = contiguous ? threads_for((out.size() + 3) / 4, 8) : threads_for(out.size());
  return {kernel_of(variant, inputs, columns), threads, std::move(views)};
}

} // namespace

Kernel kernel_of(Variant variant, const std::vector<mx::array>& inputs, const Columns& columns) {
  auto [eases, operands, types] = known(inputs, columns);
  return {variant, types, eases, operands};
}

void eval_columns(const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, mx::Stream s) {
  run(launch(inputs, out, columns), inputs, columns, out, s);
}

} // namespace mlx_schedules::cuda
