// Evaluates a single element of columns that don't repeat, with kernels/cuda/one.cu. Such a call mostly takes time on
// the host, and each input costs 0.3 us of it. So packed numbers are passed as one input, and views are avoided.

#include <optional>

#include "cuda/columns.h"
#include "pack.h"

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

// A bit for each operand that has several columns; nothing if the columns of any of them aren't adjacent in memory.
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
  kernel.packed = are_packed(inputs);
  std::vector<mx::array> views(inputs.begin(), kernel.packed ? inputs.begin() + kInit + 1 : inputs.end());
  auto& step = views[kStep];
  if (step.dtype() == mx::bool_) {
    step = view(step, read_as(step), step.shape(), step.strides());
  }
  run({kernel, count, std::move(views)}, inputs, columns, out, s);
  return true;
}

} // namespace mlx_schedules::cuda
