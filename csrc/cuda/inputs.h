// How a kernel is given the primitive's inputs. Each of its own inputs costs 0.3 us of the host's time, and a view as
// much.
#pragma once

#include <optional>

#include "cuda/launcher.h"
#include "plan.h"

namespace mlx_schedules::cuda {

mx::Dtype read_as(const mx::array& a); // reads bool as bytes

mx::array view(const mx::array& a, mx::Dtype as, mx::Shape shape, mx::Strides strides);

// A view of contiguous steps whose strides are the Numbers of kernels/cuda/numbers.h, for one segment from step 0 on
// without a parameter. Nothing if the host doesn't know its numbers, if its values are not float32, if its ease counts
// lengths, or for 2^33 steps and more.
std::optional<Launch> by_value(const std::vector<mx::array>& inputs, const Columns& columns, int64_t steps);

// Inputs as they are, for a kernel that finds an operand's numbers one after the other, columns outermost: all inputs,
// or if the numbers are packed, the step and the first of them. Nothing if the numbers lie otherwise.
std::optional<Launch> without_strides(Layout layout,
                                      const std::vector<mx::array>& inputs,
                                      const Columns& columns,
                                      size_t elements);

// A view of each input with strides that lead to each element and column.
Launch with_strides(Layout layout,
                    const std::vector<mx::array>& inputs,
                    const Columns& columns,
                    const mx::array& out,
                    const Plan& plan);

} // namespace mlx_schedules::cuda
