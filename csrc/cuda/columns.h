// Kernels that evaluate schedules of any columns.
#pragma once

#include "cuda/launcher.h"

namespace mlx_schedules::cuda {

void eval_columns(const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, mx::Stream s);

// False, having done nothing, where that is not a single element of columns that it takes.
bool eval_one(const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, mx::Stream s);

// What both have in common: what of a schedule the compiler is told, as template arguments, and the kernels' list of
// the operands' arrays, null for those left out.
Kernel kernel_of(Variant variant, const std::vector<mx::array>& inputs, const Columns& columns);
std::string template_arguments(const Kernel& kernel);
std::string of_all_operands(const Columns& columns, const std::function<std::string(Operand)>& array);

} // namespace mlx_schedules::cuda
