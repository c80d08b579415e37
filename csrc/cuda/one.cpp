// A single element of columns that don't repeat: kernels/cuda/one.cu. The host's share is most of such a call, and an
// input costs 0.3 us of it: so numbers that a schedule laid together are passed as one, and nothing is viewed.

#include <optional>

#include "cuda/columns.h"
#include "together.h"

namespace mlx_schedules::cuda {

namespace {

#include "cuda/arguments.h"

static_assert(kEases <= 1 << kEaseBits);

std::array<uint64_t, 2> order(const std::vector<EaseCode>& eases) {
  std::array<uint64_t, 2> words = {};
  for (size_t i = 0; i < eases.size(); i++) {
    words[i / kPlaces] |= uint64_t(eases[i]) << (kEaseBits * (i % kPlaces));
  }
  return words;
}

// A bit for each operand whose columns lie side by side; nothing where other columns do not.
std::optional<int> side_by_side(const std::vector<mx::array>& inputs, const Columns& columns) {
  int all = 0;
  for (size_t i = kStep + 1; i < inputs.size(); i++) {
    if (has_columns(columns, i, inputs[i].ndim()) && inputs[i].shape(0) > 1) {
      all |= 1 << columns.operands[i];
      if (inputs[i].strides(0) != 1) {
        return std::nullopt;
      }
    }
  }
  return all;
}

// Only then, so that there is one kernel for all numbers, and not one for each place where they happen to lie.
bool laid_together(const std::vector<mx::array>& inputs) {
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

bool eval_one(const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, mx::Stream s) {
  int count = columns.eases.size();
  if (out.size() != 1 || count > kWarp || columns.repeat >= 0) {
    return false;
  }
  auto apart = side_by_side(inputs, columns);
  if (!apart) {
    return false;
  }
  auto kernel = kernel_of(kOne, inputs, columns);
  kernel.apart = *apart;
  kernel.order = order(columns.eases);
  kernel.together = laid_together(inputs);
  std::vector<mx::array> views(inputs.begin(), kernel.together ? inputs.begin() + kInit + 1 : inputs.end());
  auto& step = views[kStep];
  if (step.dtype() == mx::bool_) {
    step = view(step, read_as(step), step.shape(), step.strides());
  }
  run({kernel, count, std::move(views)}, inputs, columns, out, s);
  return true;
}

} // namespace mlx_schedules::cuda
