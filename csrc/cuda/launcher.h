// Launches of kernels that MLX compiles. MLX exports fast::cuda_kernel, whose arrays carry a primitive that compiles,
// allocates and launches: evaluating that primitive from ours needs nothing of CUDA here. It allocates the output
// itself, so steps are never donated.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "op.h"
#include "plan.h"

namespace mlx_schedules::cuda {

enum Variant { kUniform, kLine, kGeneral, kGeneralLarge, kColumnsDense, kColumnsStrided, kColumnsStridedLarge };

struct Kernel {
  Variant variant;
  mx::Dtype::Val time;         // the dtype of decay_steps, where it reads that as what it is
  int eases = 0, operands = 0; // a bit for each that it knows, where it evaluates columns

  auto operator<=>(const Kernel&) const = default;
};

struct Source {
  const char* file; // of the folder of kernels
  std::vector<std::string> inputs;
  std::string body; // MLX writes the signature, passing the strides, shape and rank that the body names
};

// The primitive that launches a kernel over so many threads, on inputs as `views` has them. Kept, since making it
// writes the kernel's whole source anew: `source` is called the first time.
mx::Primitive& launcher(const Kernel& kernel,
                        int threads,
                        const std::vector<mx::array>& views,
                        const mx::array& out,
                        mx::Stream s,
                        const std::function<Source()>& source);

mx::Dtype read_as(const mx::array& a); // bool as bytes

mx::array view(const mx::array& a, mx::Dtype as, mx::Shape shape, mx::Strides strides);

// The axes that lead to every input's element, also where the plan needs none.
Axes strided_axes(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out, const Plan& plan);

// At least 2^17 threads where there is work for them, and beyond that one for every `each` pieces; powers of two, so
// that few launchers are kept.
int threads_for(int64_t pieces, int each = 16);

} // namespace mlx_schedules::cuda
