// Launches kernels that MLX compiles. MLX's fast::cuda_kernel returns arrays whose primitive compiles, allocates and
// launches. Our primitive evaluates that one, so nothing here depends on CUDA. It allocates the output itself, so steps
// are never donated.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "op.h"
#include "plan.h"

namespace mlx_schedules::cuda {

enum Variant {
  kFewElements,
  kSegmentContiguous,
  kSegmentGeneral,
  kSegmentGeneralLarge,
  kColumnsContiguous,
  kColumnsGeneral,
  kColumnsGeneralLarge,
};

// Up to this many elements, each can have a warp of its own: an H200 holds 8448 warps.
constexpr size_t kFew = 1 << 12;

struct Kernel {
  Variant variant;
  int types;        // for columns, Known::types; for one segment, the dtype of its length
  int eases = 0;    // for columns, Known::eases; for one segment, its ease
  int operands = 0; // for columns, Known::operands
  // For a few elements also:
  int by_column = 0, by_element = 0;  // a bit for each operand that differs between columns, between elements
  std::array<uint64_t, 2> order = {}; // the columns' eases
  bool packed = false;                // whether the numbers are as `pack` leaves them

  auto operator<=>(const Kernel&) const = default;
};

struct Launch {
  Kernel kernel;
  int threads;
  std::vector<mx::array> views; // the inputs as the kernel takes them
};

// `inputs` are those of our primitive.
void run(
    const Launch& launch, const std::vector<mx::array>& inputs, const Columns& columns, mx::array& out, mx::Stream s);

// The plan for an output that MLX allocates, in row-major order.
Plan plan_of(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out);

mx::Dtype read_as(const mx::array& a); // reads bool as bytes

mx::array view(const mx::array& a, mx::Dtype as, mx::Shape shape, mx::Strides strides);

// The axes that lead to the elements of every input, even if the plan is contiguous.
Axes strided_axes(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out, const Plan& plan);

// A thread for each piece, up to 2^17 threads; beyond that, one for every `each` pieces. The result is a power of two,
// so that few launchers are kept.
int threads_for(int64_t pieces, int each = 16);

} // namespace mlx_schedules::cuda
