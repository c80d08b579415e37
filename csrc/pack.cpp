#include "pack.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace mlx_schedules {

namespace mx = mlx::core;

namespace {

constexpr size_t kAlign = 8, kLeast = 16; // bytes; arrays of up to 8 would be in the pool
constexpr size_t kMost = 1 << 14;         // two columns of 8 bytes for 1024 groups

bool is_small(const mx::array& a) {
  return !a.is_tracer() && a.is_available() && a.flags().row_contiguous && a.size() > 0 && a.nbytes() <= kMost;
}

} // namespace

size_t room(const mx::array& a) {
  return (a.nbytes() + kAlign - 1) / kAlign * kAlign;
}

std::optional<Packed> pack(std::vector<mx::array>& numbers) {
  // Decided once, since arrays that are being computed may become available meanwhile.
  std::vector<std::pair<mx::array*, size_t>> small;
  size_t end = 0;
  for (auto& a : numbers) {
    if (is_small(a)) {
      small.emplace_back(&a, end);
      end += room(a);
    }
  }
  if (small.empty()) {
    return std::nullopt;
  }
  std::vector<uint8_t> bytes(std::max(kLeast, end));
  for (auto [a, at] : small) {
    std::copy_n(a->data<uint8_t>(), a->nbytes(), bytes.begin() + at);
  }
  mx::array memory(bytes.begin(), {int(bytes.size())}, mx::uint8);
  for (auto [a, at] : small) {
    mx::array moved(a->shape(), a->dtype(), nullptr, {});
    moved.copy_shared_buffer(memory, a->strides(), a->flags(), a->size(), at / a->itemsize());
    moved.set_status(mx::array::Status::available);
    *a = std::move(moved);
  }
  return Packed{std::move(memory), std::move(bytes)};
}

} // namespace mlx_schedules
