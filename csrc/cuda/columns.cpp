// Schedules of any columns: kernels/columns.cu, columns_dense.cu and column_one.cu.

#include "cuda/columns.h"

#include <algorithm>
#include <map>
#include <optional>

#include "cuda/launcher.h"

namespace mlx_schedules::cuda {

namespace {

#include "cuda_arguments.h"

bool lie_apart(const mx::array& a, const Columns& columns, size_t input) {
  return has_columns(columns, input, a.ndim()) && a.shape(0) > 1;
}

// What the kernels must know of a schedule besides its numbers, on the device; made once for all of its kind.
const mx::array& about(const std::vector<mx::array>& inputs, const Columns& columns) {
  static thread_local std::map<std::vector<int>, mx::array> made;
  std::vector<int> all(kEaseCodes, 0);
  all[kColumns] = columns.eases.size();
  all[kRepeat] = columns.repeat;
  all[kRealFold] = fractional_fold(inputs, columns);
  all.insert(all.end(), columns.eases.begin(), columns.eases.end());
  auto found = made.find(all);
  if (found == made.end()) {
    mx::array a(all.begin(), {int(all.size())}, mx::int32);
    found = made.emplace(std::move(all), std::move(a)).first;
  }
  return found->second;
}

// Of all operands: read of numbers of steps alone.
int types(const std::vector<mx::array>& inputs, const Columns& columns) {
  int all = 0;
  for (size_t i = kStep + 1; i < inputs.size(); i++) {
    auto k = columns.operands[i];
    bool counts = k == kLength || k == kBegin || k == kLead || k == kPeriod;
    all |= (counts ? time_type(inputs[i].dtype()) : 0) << (kTypeBits * k);
  }
  return all;
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
  auto number = [](int n) { return std::to_string(n); };
  std::string numbers = number(kernel.eases) + ", " + number(kernel.operands) + ", " + number(kernel.types);
  std::string data = "const void* data[] = " + list(columns, "", "");
  if (kernel.variant == kColumnsOne) {
    return data + "mlx_schedules::one<" + numbers + ", " + number(kernel.apart) + ">(step, out, about, data);";
  }
  std::string arrays = data + "const Strides* strides[] = " + list(columns, "&", "_strides") + "mlx_schedules::";
  std::string arguments = "(step, out, about, data, strides, ";
  if (kernel.variant == kColumnsDense) {
    return arrays + "dense<" + numbers + ">" + arguments + "step_strides[0]);";
  }
  if (kernel.variant == kColumnsLine) {
    return arrays + "line<" + numbers + ">" + arguments + "step_shape[0]);";
  }
  std::string index = kernel.variant == kColumnsStridedLarge ? "int64_t" : "uint32_t";
  return arrays + "strided<" + numbers + ", " + index + ">" + arguments + "step_ndim, step_shape);";
}

const char* file(Variant variant) {
  switch (variant) {
    case kColumnsOne:
      return "column_one.cu";
    case kColumnsDense:
      return "columns_dense.cu";
    default:
      return "columns.cu";
  }
}

Source source(const Kernel& kernel, const Columns& columns) {
  std::vector<std::string> names;
  for (auto k : columns.operands) {
    names.push_back(kOperandNames[k]);
  }
  names.push_back("about");
  return {file(kernel.variant), names, body(kernel, columns)};
}

template <typename Codes>
int bits(const Codes& codes) {
  int found = 0;
  for (auto code : codes) {
    found |= 1 << code;
  }
  return found;
}

// A bit for each operand whose columns lie side by side; nothing where other columns do not.
std::optional<int> side_by_side(const std::vector<mx::array>& inputs, const Columns& columns) {
  int all = 0;
  for (size_t i = kStep + 1; i < inputs.size(); i++) {
    if (lie_apart(inputs[i], columns, i)) {
      all |= 1 << columns.operands[i];
      if (inputs[i].strides(0) != 1) {
        return std::nullopt;
      }
    }
  }
  return all;
}

// All but `about`.
Launch launch(const std::vector<mx::array>& inputs, const mx::array& out, const Columns& columns) {
  Kernel kernel{kColumnsOne, types(inputs, columns), bits(columns.eases), bits(columns.operands)};
  int count = columns.eases.size();
  if (out.size() == 1 && count <= 32 && columns.repeat < 0) { // a warp's
    if (auto apart = side_by_side(inputs, columns)) {
      kernel.apart = *apart;
      return {kernel, count, single(inputs)};
    }
  }
  auto plan = plan_of(inputs, columns, out);
  bool few = out.size() <= kFew;
  bool dense = !few && plan.dense && aligned(inputs[kStep], 4) && count <= kTable && columns.repeat < 0;
  auto axes = dense ? Axes{{1}, {}, 0} : strided_axes(inputs, columns, out, plan);
  size_t rank = axes.shape.size();
  mx::Shape shape(axes.shape.begin(), axes.shape.end());
  shape.push_back(count);
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
  Variant strided = out.size() > INT32_MAX ? kColumnsStridedLarge : kColumnsStrided;
  kernel.variant = dense ? kColumnsDense : (few && rank == 1 ? kColumnsLine : strided);
  return {kernel, threads_for(dense ? (out.size() + 3) / 4 : out.size()), std::move(views)};
}

} // namespace

void eval_columns(const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, mx::Stream s) {
  auto made = launch(inputs, out, columns);
  made.views.push_back(about(inputs, columns));
  run(made, out, s, [&] { return source(made.kernel, columns); });
}

} // namespace mlx_schedules::cuda
