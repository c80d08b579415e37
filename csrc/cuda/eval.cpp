// The CUDA backend: chooses a kernel and its grid.

#include <algorithm>
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

std::optional<Launch> contiguous(const std::vector<mx::array>& inputs, const Columns& columns, const Plan& plan) {
  bool exact_reals = mx::issubdtype(inputs[kStep].dtype(), mx::floating) && takes_exact_steps(inputs, columns);
  bool fits = columns.eases.size() <= kTable && columns.repeat < 0 && !exact_reals;
  fits = fits && plan.contiguous && aligned(inputs[kStep], 4);
  bool plain = is_plain(columns);
  auto launch = fits && plain ? by_value(inputs, columns, plan.count) : std::nullopt;
  if (fits && !launch) {
    launch = without_strides(kContiguous, inputs, columns, plan.count);
  }
  if (launch) {
    launch->kernel.plain = plain;
    launch->threads = threads_for((plan.count + 3) / 4, plain ? 4 : 8); // 16 Fours a thread were 1 to 2 % slower
    if (!plain) {
      launch->views.push_back(about(columns));
    }
  }
  return launch;
}

Launch general(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out, const Plan& plan) {
  auto launch = with_strides(out.size() > INT32_MAX ? kGeneralLarge : kGeneral, inputs, columns, out, plan);
  bool plain = is_plain(columns);
  launch.kernel.plain = plain;
  // Preparing a segment takes 480 instructions, and an element 43 to 52.
  launch.threads = threads_for(out.size(), plain && plan.prepared_once() ? 128 : 16);
  if (!plain) {
    launch.views.push_back(about(columns));
  }
  return launch;
}

} // namespace

void Schedule::eval_gpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
  auto& out = outputs[0];
  if (out.size() == 0) {
    out.set_data(mx::allocator::malloc(0));
    return;
  }
  auto launch = few_elements(inputs, *columns_, out);
  if (!launch) {
    // MLX allocates the output, in row-major order.
    auto plan = make_plan(inputs, *columns_, out, /* any_order */ false);
    launch = contiguous(inputs, *columns_, plan);
    launch = launch ? std::move(launch) : general(inputs, *columns_, out, plan);
  }
  run(*launch, inputs, *columns_, out, stream());
}

} // namespace mlx_schedules
