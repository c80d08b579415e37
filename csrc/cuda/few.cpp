// Evaluates a few elements of columns that don't repeat, with kernels/cuda/few.cu: one step, for one schedule or a
// group each. Such a call mostly takes time on the host, and each input costs 0.3 us of it. So packed numbers are
// passed as one input, and views are avoided.

#include <optional>

#include "axes.h"
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

struct Varying { // a bit for each operand that differs between columns, between elements
  int by_column = 0, by_element = 0;
};

// Nothing if the kernel can't find the operands' numbers, which must lie one after the other, columns outermost.
std::optional<Varying> varying(const std::vector<mx::array>& inputs, const Columns& columns, size_t elements) {
  Varying found;
  for (size_t i = 0; i < inputs.size(); i++) {
    auto& a = inputs[i];
    size_t count = has_columns(columns, i, a.ndim()) ? a.shape(0) : 1, each = a.size() / count;
    if ((each != 1 && each != elements) || (a.size() != 1 && !a.flags().row_contiguous)) {
      return std::nullopt;
    }
    int bit = 1 << columns.operands[i];
    found.by_column |= count > 1 ? bit : 0;
    found.by_element |= each > 1 ? bit : 0;
  }
  return found;
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

bool eval_few(const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, mx::Stream s) {
  int count = columns.eases.size();
  if (out.size() > kFew || count > kWarp || columns.repeat >= 0) {
    return false;
  }
  auto found = varying(inputs, columns, out.size());
  if (!found) {
    return false;
  }
  auto kernel = kernel_of(kFewElements, inputs, columns);
  kernel.by_column = found->by_column;
  kernel.by_element = found->by_element;
  kernel.order = order(columns.eases);
  kernel.packed = are_packed(inputs);
  std::vector<mx::array> views(inputs.begin(), kernel.packed ? inputs.begin() + kInit + 1 : inputs.end());
  auto& step = views[kStep];
  if (step.dtype() == mx::bool_) {
    step = view(step, read_as(step), step.shape(), step.strides());
  }
  run({kernel, count * int(out.size()), std::move(views)}, inputs, columns, out, s);
  return true;
}

} // namespace mlx_schedules::cuda
