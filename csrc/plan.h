// How a call is evaluated. Decided here for every backend.
#pragma once

#include "axes.h"

namespace mlx_schedules {

struct Plan {
  bool contiguous; // one value of each hyperparameter, and steps without gaps; the output has the steps' layout
  bool donated;    // the output takes over the steps' memory
  size_t count;    // elements in the output's memory
  Axes axes;       // how to reach the elements of each input; empty if contiguous
  std::vector<int64_t> column_strides; // for each input, from one column to the next

  // The number of elements in one entry of the outermost axis.
  size_t entry() const { return axes.shape.empty() ? 1 : count / axes.shape[0]; }

  // Whether the hyperparameters are the same for all entries of the outermost axis, as for many steps with parameter
  // groups. A walk along that axis then prepares them once, which is 3.5 times as fast on an NVIDIA GPU.
  bool prepared_once() const;
};

// The plan's first member, found in a tenth of the 0.6 us that a plan takes. `any_order`: whether the backend may give
// the output the layout of the steps, such as a transpose.
bool is_contiguous(const std::vector<mx::array>& inputs, const Columns& columns, const mx::array& out, bool any_order);

Plan make_plan(const std::vector<mx::array>& inputs,
               const Columns& columns,
               const mx::array& out,
               bool any_order = true);

// Allocates the output's memory, or takes over the steps', as planned.
void give_memory(const Plan& plan, const std::vector<mx::array>& inputs, mx::array& out);

// Whether real steps must be taken exactly, as kernels/operands.h says.
bool takes_exact_steps(const std::vector<mx::array>& inputs, const Columns& columns);

// The dtype of an operand that is a number of steps, as GPU kernels are told.
TimeType time_type(mx::Dtype t);

// What a GPU kernel knows about the schedule when it is compiled, so that it has no code for anything else: a bit for
// each ease, a bit for each operand, and for each operand that is a number of steps its TimeType in kTypeBits bits.
struct Known {
  int eases = 0, operands = 0, types = 0;

  auto operator<=>(const Known&) const = default;
};

Known known(const std::vector<mx::array>& inputs, const Columns& columns);

// Whether the steps are aligned to vectors of `width` steps.
bool aligned(const mx::array& step, int width);

} // namespace mlx_schedules
