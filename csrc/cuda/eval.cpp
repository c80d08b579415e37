// The CUDA backend: chooses a kernel and its grid.

#include <map>

#include "cuda/inputs.h"
#include "mlx/allocator.h"
#include "op.h"
#include "plan.h"

namespace mlx_schedules {

namespace {

using namespace cuda;

#include "cuda/arguments.h"

static_assert(kEases <= 1 << kEaseBits);

// Up to this many elements, each can have a warp of its own: an H200 holds 8448 warps.
constexpr size_t kFew = 1 << 12;

std::array<uint64_t, 2> order(const std::vector<EaseCode>& eases) {
  std::array<uint64_t, 2> words = {};
  for (size_t i = 0; i < eases.size(); i++) {
    words[i / kPlaces] |= uint64_t(eases[i]) << (kEaseBits * (i % kPlaces));
  }
  return words;
}

// What the kernels need to know about columns besides their numbers, made once for all schedules of the same kind.
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

// Whether the schedule is one segment from step 0 on whose ease has no parameter.
bool is_plain(const Columns& columns) {
  return columns.eases.size() == 1 && columns.operands.size() == kEnd + 1;
}

std::optional<Launch> few_elements(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out) {
  int count = columns.eases.size();
  bool fits = out.size() <= kFew && count <= kWarp && columns.repeat < 0;
  auto launch = fits ? without_strides(kFewElements, inputs, columns, out.size()) : std::nullopt;
  if (launch) {
    launch->kernel.order = order(columns.eases);
    launch->threads = count * out.size();
  }
  return launch;
}

// Says whether the schedule is plain, and gives the kernel the array `about` if it is not.
void describe(Launch& launch, const Columns& columns) {
  launch.kernel.plain = is_plain(columns);
  if (!launch.kernel.plain) {
    launch.views.push_back(about(columns));
  }
}

// One step takes 0.4 us less so than in `few_elements`: the kernel reads and prepares no numbers.
std::optional<Launch> known_segment(const std::vector<mx::array>& inputs, const Columns& columns, size_t steps) {
  bool fits = is_plain(columns) && (steps < 4 || aligned(inputs[kStep], 4));
  auto launch = fits ? by_value(inputs, columns, steps) : std::nullopt;
  if (launch) {
    launch->threads = threads_for((steps + 3) / 4, 4, 1 << 18); // as many as an H200 holds; 2^17 were 1 % slower
    describe(*launch, columns);
  }
  return launch;
}

std::optional<Launch> contiguous(const std::vector<mx::array>& inputs, const Columns& columns, size_t steps) {
  bool exact_reals = mx::issubdtype(inputs[kStep].dtype(), mx::floating) && takes_exact_steps(inputs, columns);
  if (columns.eases.size() > kTable || columns.repeat >= 0 || exact_reals || !aligned(inputs[kStep], 4)) {
    return std::nullopt;
  }
  auto launch = without_strides(kContiguous, inputs, columns, steps);
  if (launch) {
    describe(*launch, columns);
    launch->threads = threads_for((steps + 3) / 4, launch->kernel.plain ? 4 : 8); // 16 were 1 to 2 % slower
  }
  return launch;
}

Launch general(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out, const Plan& plan) {
  auto launch = with_strides(out.size() > INT32_MAX ? kGeneralLarge : kGeneral, inputs, columns, out, plan);
  describe(launch, columns);
  // Preparing a segment takes 480 instructions, and an element 43 to 52.
  launch.threads = threads_for(out.size(), launch.kernel.plain && plan.prepared_once() ? 128 : 16);
  return launch;
}

} // namespace

Launch cuda::launch_for(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out) {
  bool any_order = false; // MLX allocates the output, in row-major order
  bool in_order = is_contiguous(inputs, columns, out, any_order);
  auto launch = in_order ? known_segment(inputs, columns, out.size()) : std::nullopt;
  if (!launch) {
    launch = few_elements(inputs, columns, out);
  }
  if (!launch && in_order) {
    launch = contiguous(inputs, columns, out.size());
  }
  return launch ? std::move(*launch) : general(inputs, columns, out, make_plan(inputs, columns, out, any_order));
}

void Schedule::eval_gpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
  auto& out = outputs[0];
  if (out.size() == 0) {
    out.set_data(mx::allocator::malloc(0));
    return;
  }
  run(launch_for(inputs, *columns_, out), inputs, *columns_, out, stream());
}

} // namespace mlx_schedules
