// Schedules of any columns: kernels/columns.cu.

#include "cuda/columns.h"

#include <algorithm>
#include <map>

#include "cuda/launcher.h"

namespace mlx_schedules::cuda {

namespace {

#include "cuda_arguments.h"

// What the kernels must know of a schedule besides its numbers, on the device; made once for all of its kind.
const mx::array& about(const std::vector<mx::array>& inputs, const Columns& columns) {
  static thread_local std::map<std::vector<int>, mx::array> made;
  std::vector<int> all(kEaseCodes, 0);
  all[kColumns] = columns.eases.size();
  all[kRepeat] = columns.repeat;
  all[kRealFold] = fractional_fold(inputs, columns);
  for (size_t i = 0; i < inputs.size(); i++) {
    all[kTypes + columns.operands[i]] = time_type(inputs[i].dtype()); // read of numbers of steps alone
  }
  all.insert(all.end(), columns.eases.begin(), columns.eases.end());
  auto found = made.find(all);
  if (found == made.end()) {
    mx::array a(all.begin(), {int(all.size())}, mx::int32);
    found = made.emplace(std::move(all), std::move(a)).first;
  }
  return found->second;
}

// The kernels' arrays of all operands, null for those left out.
std::string list(const Columns& columns, const std::string& before, const std::string& after) {
  std::string text;
  for (int k = 0; k < kOperands; k++) {
    bool has = columns.input(Operand(k)) >= 0;
    text += (k ? ", " : "") + (has ? before + kOperandNames[k] + after : "nullptr");
  }
  return "{" + text + "};\n";
}

std::string body(const Kernel& kernel, const Columns& columns) {
  std::string numbers = std::to_string(kernel.eases) + ", " + std::to_string(kernel.operands);
  std::string arguments = "(step, out, about, data, strides, ";
  std::string arrays =
      "const void* data[] = " + list(columns, "", "") + "const Strides* strides[] = " + list(columns, "&", "_strides");
  if (kernel.variant == kColumnsDense) {
    return arrays + "mlx_schedules::dense<" + numbers + ">" + arguments + "step_strides[0]);";
  }
  std::string index = kernel.variant == kColumnsStridedLarge ? "int64_t" : "uint32_t";
  return arrays + "mlx_schedules::strided<" + numbers + ", " + index + ">" + arguments + "step_ndim, step_shape);";
}

Source source(const Kernel& kernel, const Columns& columns) {
  std::vector<std::string> names;
  for (auto k : columns.operands) {
    names.push_back(kOperandNames[k]);
  }
  names.push_back("about");
  return {"columns.cu", names, body(kernel, columns)};
}

template <typename Codes>
int bits(const Codes& codes) {
  int found = 0;
  for (auto code : codes) {
    found |= 1 << code;
  }
  return found;
}

} // namespace

void eval_columns(
    const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, const Plan& plan, mx::Stream s) {
  bool dense = plan.dense && aligned(inputs[kStep], 4) && columns.eases.size() <= kTable && columns.repeat < 0;
  auto axes = dense ? Axes{{1}, {}, 0} : strided_axes(inputs, columns, out, plan);
  size_t rank = axes.shape.size();
  mx::Shape shape(axes.shape.begin(), axes.shape.end());
  shape.push_back(int(columns.eases.size()));
  std::vector<mx::array> views;
  for (size_t i = 0; i < inputs.size(); i++) {
    mx::Strides strides(rank + 1, out.size()); // as for one cosine, the count travels as a stride
    if (!dense) {
      std::copy_n(axes.strides.begin() + i * rank, rank, strides.begin());
    }
    strides[rank] = plan.columns[i];                          // to the next column
    auto dtype = i == kStep ? read_as(inputs[i]) : mx::uint8; // the kernels know what the others are
    views.push_back(view(inputs[i], dtype, shape, std::move(strides)));
  }
  views.push_back(about(inputs, columns));
  bool large = out.size() > INT32_MAX;
  Kernel kernel{dense ? kColumnsDense : (large ? kColumnsStridedLarge : kColumnsStrided),
                mx::Dtype::Val::uint32,
                bits(columns.eases),
                bits(columns.operands)};
  int threads = threads_for(dense ? (out.size() + 3) / 4 : out.size());
  std::vector<mx::array> outputs = {out};
  launcher(kernel, threads, views, out, s, [&] { return source(kernel, columns); }).eval_gpu(views, outputs);
}

} // namespace mlx_schedules::cuda
