// Launches of kernels that MLX compiles. MLX exports fast::cuda_kernel, whose arrays carry a primitive that compiles,
// allocates and launches: evaluating that primitive from ours needs nothing of CUDA here. It allocates the output
// itself, so steps are never donated.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "op.h"
#include "plan.h"

namespace mlx_schedules::cuda {

enum Variant {
  kOne,
  kSegmentLine,
  kSegmentContiguous,
  kSegmentGeneral,
  kSegmentGeneralLarge,
  kColumnsLine,
  kColumnsContiguous,
  kColumnsGeneral,
  kColumnsGeneralLarge,
};

// Along one axis so many are taken an element a thread: below the 2^17 threads that threads_for gives at least.
constexpr size_t kFew = 1 << 12;

struct Kernel {
  Variant variant;
  int types;        // what it reads numbers of steps as: the dtype of length, or a TimeType for each operand
  int eases = 0;    // a bit for each that it knows; of one segment its ease
  int operands = 0; // a bit for each that it knows, where it evaluates columns
  // Where it evaluates a single element also:
  int apart = 0;                      // a bit for each operand whose columns lie side by side
  std::array<uint64_t, 2> order = {}; // the columns' eases
  bool together = false;              // whether its numbers are as `lay_together` leaves them

  auto operator<=>(const Kernel&) const = default;
};

struct Launch {
  Kernel kernel;
  int threads;
  std::vector<mx::array> views; // the inputs as the kernel is to have them
};

// `inputs` are the primitive's.
void run(
    const Launch& launch, const std::vector<mx::array>& inputs, const Columns& columns, mx::array& out, mx::Stream s);

// MLX allocates the output, row by row.
Plan plan_of(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out);

mx::Dtype read_as(const mx::array& a); // bool as bytes

mx::array view(const mx::array& a, mx::Dtype as, mx::Shape shape, mx::Strides strides);

// The axes that lead to every input's element, also where the plan needs none.
Axes strided_axes(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out, const Plan& plan);

// At least 2^17 threads where there is work for them, and beyond that one for every `each` pieces; powers of two, so
// that few launchers are kept.
int threads_for(int64_t pieces, int each = 16);

} // namespace mlx_schedules::cuda
