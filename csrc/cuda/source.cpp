#include "cuda/source.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "pack.h"

namespace mlx_schedules::cuda {

namespace {

using Texts = std::vector<std::string>;

std::string listed(const Texts& texts) {
  std::string all;
  for (auto& text : texts) {
    all += (all.empty() ? "" : ", ") + text;
  }
  return all;
}

// An array of `text` for each operand, and null for those left out.
std::string array(const std::string& declared,
                  const Columns& columns,
                  const std::function<std::string(Operand)>& text) {
  Texts texts;
  for (int k = 0; k < kOperands; k++) {
    texts.push_back(columns.input(Operand(k)) >= 0 ? text(Operand(k)) : "nullptr");
  }
  return declared + "[] = {" + listed(texts) + "};\n";
}

std::string name(Operand k) {
  return kOperandNames[k];
}

std::string number(uint64_t bits) {
  return std::to_string(bits) + "ull";
}

#define MLXS_EASE_TYPE(type, ...) "mlx_schedules::" #type,
const char* const kEaseTypes[kEases] = {MLXS_EASES(MLXS_EASE_TYPE)};

const char* file_of(const Kernel& kernel) {
  if (kernel.layout == kFewElements) {
    return "few.cu";
  }
  return kernel.plain ? "segment.cu" : (kernel.layout == kContiguous ? "columns_contiguous.cu" : "columns.cu");
}

std::string call(const std::string& function, const Texts& chosen, const Texts& arguments) {
  return "mlx_schedules::" + function + "<" + listed(chosen) + ">(" + listed(arguments) + ");";
}

// A pointer to an operand's numbers.
std::string data_of(Operand k, bool packed, const Columns& columns, const std::vector<mx::array>& inputs) {
  if (!packed || k <= kInit) {
    return name(k);
  }
  size_t at = 0;
  for (int i = kInit; i < columns.input(k); i++) {
    at += room(inputs[i]);
  }
  return "reinterpret_cast<const char*>(" + name(kInit) + ") + " + std::to_string(at);
}

} // namespace

Source source(const Kernel& kernel, const Columns& columns, const std::vector<mx::array>& inputs) {
  if (kernel.layout == kByValue) {
    auto span = "mlx_schedules::Span(" + std::to_string(kernel.span) + ")";
    Texts chosen = {kEaseTypes[columns.eases[0]], span, kernel.whole ? "true" : "false"};
    return {file_of(kernel), {name(kStep)}, call("by_value", chosen, {"step", "out", "step_strides"})};
  }
  Texts given;
  auto end = kernel.packed ? columns.operands.begin() + kInit + 1 : columns.operands.end();
  std::transform(columns.operands.begin(), end, std::back_inserter(given), name);
  Texts arguments = {"step", "out", "data"}, chosen = {number(kernel.known.operands), number(kernel.known.types)};
  chosen.insert(chosen.begin(), kernel.plain ? kEaseTypes[columns.eases[0]] : number(kernel.known.eases));
  auto body = array("const void* data", columns, [&](Operand k) { return data_of(k, kernel.packed, columns, inputs); });
  if (kernel.layout != kFewElements) {
    arguments.insert(arguments.end(), {"step_ndim", "step_shape"});
    if (!kernel.plain) {
      given.push_back("about");
      arguments.push_back("about");
    }
  }
  const char* function = "general";
  switch (kernel.layout) {
    case kFewElements:
      function = "few";
      chosen.insert(
          chosen.end(),
          {number(kernel.by_column), number(kernel.by_element), number(kernel.order[0]), number(kernel.order[1])});
      break;
    case kContiguous:
      function = "contiguous";
      if (!kernel.plain) {
        chosen.push_back(number(kernel.by_column));
      }
      break;
    case kGeneral:
    case kGeneralLarge:
      body += array("const Strides* strides", columns, [](Operand k) { return "&" + name(k) + "_strides"; });
      arguments.push_back("strides");
      chosen.push_back(kernel.layout == kGeneral ? "uint32_t" : "int64_t");
  }
  return {file_of(kernel), given, body + call(function, chosen, arguments)};
}

} // namespace mlx_schedules::cuda
