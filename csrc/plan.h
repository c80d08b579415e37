// How a call is evaluated: decided here, alike for every backend.
#pragma once

#include "axes.h"

namespace mlx_schedules {

struct Plan {
  bool contiguous; // one value of each hyperparameter, and steps without gaps: the output lies in the steps' order
  bool donated;    // the output takes the steps' memory
  size_t count;    // elements of the output's memory
  Axes axes;       // otherwise what leads to every input's element; empty where contiguous
  std::vector<int64_t> column_strides; // every input's, from one column to the next

  // Elements of one entry of the outermost axis.
  size_t entry() const { return axes.shape.empty() ? 1 : count / axes.shape[0]; }

  // Whether the hyperparameters are the same for all entries of the outermost axis, as in steps for parameter groups,
  // so that who walks along it prepares them once. On an NVIDIA GPU that is 3.5 times as fast.
  bool prepared_once() const;
};

// `any_order`: whether the backend chooses the output's memory, which then may lie as the steps do, gaps aside.
Plan make_plan(const std::vector<mx::array>& inputs,
               const Columns& columns,
               const mx::array& out,
               bool any_order = true);

// Sets the output's memory as planned.
void give_memory(const Plan& plan, const std::vector<mx::array>& inputs, mx::array& out);

// Whether steps that are reals must be taken exactly, to 2^-64: where a number of steps is an integer with such a
// fraction. Decided by dtypes, so that groups are alike.
bool takes_exact_steps(const std::vector<mx::array>& inputs, const Columns& columns);

// How GPUs' kernels are told of the dtype that an operand's numbers of steps are held in.
TimeType time_type(mx::Dtype t);

// What of a schedule a GPU's kernel is compiled for, so that it has no code for what is not there: a bit for each of
// its eases, one for each operand, and kTypeBits for the TimeType of each operand that is a number of steps.
struct Known {
  int eases = 0, operands = 0, types = 0;

  auto operator<=>(const Known&) const = default;
};

Known known(const std::vector<mx::array>& inputs, const Columns& columns);

// Whether vectors of `width` steps can be read from the first on.
bool aligned(const mx::array& step, int width);

} // namespace mlx_schedules
