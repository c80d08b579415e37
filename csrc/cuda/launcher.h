// Launches kernels that MLX compiles. MLX's fast::cuda_kernel returns arrays whose primitive compiles, allocates and
// launches. Our primitive evaluates that one, so nothing here depends on CUDA. It allocates the output itself, so steps
// are never donated.
#pragma once

#include <array>
#include <vector>

#include "op.h"
#include "plan.h"

namespace mlx_schedules::cuda {

enum Layout { kFewElements, kByValue, kContiguous, kGeneral, kGeneralLarge };

struct Kernel {
  Layout layout;
  bool plain = false; // one segment from step 0 on, whose ease has no parameter
  Known known;        // by value: the ease alone
  // By value only: the Span, and for Wide32 whether the length is whole. Lengths of all types share a kernel otherwise.
  int span = 0;
  bool whole = false;
  // Without strides only: the number of columns; a bit for each operand that differs between columns, between elements;
  // and whether the numbers are as `pack` leaves them. With the number of threads, these determine where numbers lie.
  int columns = 0, by_column = 0, by_element = 0;
  bool packed = false;
  std::array<uint64_t, 2> order = {}; // of few elements only: the columns' eases

  auto operator<=>(const Kernel&) const = default;
};

struct Launch {
  Kernel kernel;
  std::vector<mx::array> views; // the inputs as the kernel takes them
  int threads = 0;
};

struct Key { // finds a kernel that was kept for later calls; equal keys mean equal texts of kernels
  Kernel kernel;
  int stream, threads;
  mx::Dtype::Val step, out;

  auto operator<=>(const Key&) const = default;
};

Key key_of(const Launch& launch, const mx::array& out, mx::Stream s);

// Chooses a kernel, in eval.cpp. Here and below, `inputs` are those of our primitive.
Launch launch_for(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out);

void run(
    const Launch& launch, const std::vector<mx::array>& inputs, const Columns& columns, mx::array& out, mx::Stream s);

// A thread for each piece, up to `most` threads; beyond that, one for every `each` pieces. The result is a power of
// two, so that few launchers are kept.
int threads_for(int64_t pieces, int each, int most = 1 << 17);

} // namespace mlx_schedules::cuda
