#include "cuda/source.h"

#include <functional>

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

std::string call(const std::string& function, const Texts& template_arguments, const Texts& arguments) {
  auto chosen = template_arguments.empty() ? "" : "<" + listed(template_arguments) + ">";
  return "mlx_schedules::" + function + chosen + "(" + listed(arguments) + ");";
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

std::string strides(Operand k) {
  return name(k) + "_strides";
}

Texts names(const Columns& columns) {
  Texts names;
  for (auto k : columns.operands) {
    names.push_back(name(k));
  }
  return names;
}

Texts known(const Kernel& kernel) { // template arguments of the kernels for columns
  return {std::to_string(kernel.eases), std::to_string(kernel.operands), std::to_string(kernel.types)};
}

std::string word(uint64_t bits) {
  return std::to_string(bits) + "ull";
}

#define MLXS_EASE_TYPE(type, ...) "mlx_schedules::" #type,
const char* const kEaseTypes[kEases] = {MLXS_EASES(MLXS_EASE_TYPE)};

Source segment(const std::string& function, const Columns& columns, const Texts& chosen, const Texts& more) {
  auto inputs = names(columns), arguments = inputs;
  arguments.push_back("out");
  arguments.insert(arguments.end(), more.begin(), more.end());
  Texts template_arguments = {kEaseTypes[columns.eases[0]]};
  template_arguments.insert(template_arguments.end(), chosen.begin(), chosen.end());
  return {"segment.cu", inputs, call(function, template_arguments, arguments)};
}

Source any_columns(
    const char* file, const std::string& function, const Columns& columns, const Texts& chosen, const Texts& more) {
  auto inputs = names(columns);
  inputs.push_back("about");
  Texts arguments = {"step", "out", "about", "data", "strides"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  auto all_strides = array("const Strides* strides", columns, [](Operand k) { return "&" + strides(k); });
  return {file, inputs, array("const void* data", columns, name) + all_strides + call(function, chosen, arguments)};
}

Source few(const Kernel& kernel, const Columns& columns, const std::vector<mx::array>& inputs) {
  auto given = names(columns);
  if (kernel.packed) {
    given.resize(kInit + 1);
  }
  auto data = array("const void* data", columns, [&](Operand k) {
    size_t at = 0;
    for (int i = kInit; i < columns.input(k); i++) {
      at += room(inputs[i]);
    }
    bool behind = kernel.packed && k > kInit;
    return behind ? "reinterpret_cast<const char*>(" + name(kInit) + ") + " + std::to_string(at) : name(k);
  });
  auto chosen = known(kernel);
  for (int bits : {kernel.by_column, kernel.by_element}) {
    chosen.push_back(std::to_string(bits));
  }
  chosen.insert(chosen.end(), {word(kernel.order[0]), word(kernel.order[1])});
  return {"few.cu", given, data + call("few", chosen, {"step", "out", "data"})};
}

} // namespace

Source source(const Kernel& kernel, const Columns& columns, const std::vector<mx::array>& inputs) {
  bool large = kernel.variant == kSegmentGeneralLarge || kernel.variant == kColumnsGeneralLarge;
  std::string index = large ? "int64_t" : "uint32_t";
  auto chosen = known(kernel);
  switch (kernel.variant) {
    case kFewElements:
      return few(kernel, columns, inputs);
    case kSegmentContiguous:
      return segment("contiguous", columns, {}, {"step_strides[0]"});
    case kSegmentGeneral:
    case kSegmentGeneralLarge:
      return segment("general",
                     columns,
                     {index},
                     {"step_ndim", "step_shape", "step_strides", strides(kInit), strides(kLength), strides(kEnd)});
    case kColumnsContiguous:
      return any_columns("columns_contiguous.cu", "contiguous", columns, chosen, {"step_strides[0]"});
    case kColumnsGeneral:
    case kColumnsGeneralLarge:
      chosen.push_back(index);
      return any_columns("columns.cu", "general", columns, chosen, {"step_ndim", "step_shape"});
  }
  throw std::logic_error("[schedule] There is no source for this CUDA kernel.");
}

} // namespace mlx_schedules::cuda
