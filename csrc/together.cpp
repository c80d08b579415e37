#include "together.h"

#include <algorithm>
#include <cstdint>

namespace mlx_schedules {

namespace mx = mlx::core;

namespace {

constexpr size_t kSlot = 8, kLeast = 16; // bytes: the pool has what fits a slot

bool pooled(const mx::array& a) {
  return !a.is_tracer() && a.is_available() && a.flags().row_contiguous && a.size() > 0 && a.nbytes() <= kSlot;
}

} // namespace

void lay_together(std::vector<mx::array>& numbers) {
  std::vector<size_t> small; // decided once: what is computed meanwhile may become available
  for (size_t i = 0; i < numbers.size(); i++) {
    if (pooled(numbers[i])) {
      small.push_back(i);
    }
  }
  if (small.empty()) {
    return;
  }
  std::vector<uint8_t> bytes(std::max(kLeast, kSlot * small.size()));
  for (size_t slot = 0; slot < small.size(); slot++) {
    auto& a = numbers[small[slot]];
    std::copy_n(a.data<uint8_t>(), a.nbytes(), bytes.begin() + kSlot * slot);
  }
  mx::array memory(bytes.begin(), {int(bytes.size())}, mx::uint8);
  for (size_t slot = 0; slot < small.size(); slot++) {
    auto& a = numbers[small[slot]];
    mx::array moved(a.shape(), a.dtype(), nullptr, {});
    moved.copy_shared_buffer(memory, a.strides(), a.flags(), a.data_size(), slot * (kSlot / a.itemsize()));
    moved.set_status(mx::array::Status::available);
    a = std::move(moved);
  }
}

} // namespace mlx_schedules
