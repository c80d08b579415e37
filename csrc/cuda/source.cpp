#include "cuda/source.h"

#include <functional>

#include "together.h"

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

// An array of what `text` gives for each operand, null for those left out.
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

Texts names(const Columns& columns) {
  Texts names;
  for (auto k : columns.operands) {
    names.push_back(name(k));
  }
  return names;
}

Texts texts(const Known& known) { // for the kernels of columns
  return {std::to_string(known.eases), std::to_string(known.operands), std::to_string(known.types)};
}

std::string word(uint64_t bits) {
  return std::to_string(bits) + "ull";
}

Source cosine(const std::string& function, const Columns& columns, const Texts& template_arguments, const Texts& more) {
  auto inputs = names(columns), arguments = inputs;
  arguments.push_back("out");
  arguments.insert(arguments.end(), more.begin(), more.end());
  return {"cosine.cu", inputs, call(function, template_arguments, arguments)};
}

Source any_columns(
    const char* file, const std::string& function, const Columns& columns, const Texts& chosen, const Texts& more) {
  auto inputs = names(columns);
  inputs.push_back("about");
  Texts arguments = {"step", "out", "about", "data", "strides"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  auto strides = array("const Strides* strides", columns, [](Operand k) { return "&" + name(k) + "_strides"; });
  return {file, inputs, array("const void* data", columns, name) + strides + call(function, chosen, arguments)};
}

Source one(const Kernel& kernel, const Columns& columns, const std::vector<mx::array>& inputs) {
  auto given = names(columns);
  if (kernel.together) {
    given.resize(kFrom + 1);
  }
  auto data = array("const void* data", columns, [&](Operand k) {
    size_t at = 0;
    for (int i = kFrom; i < columns.input(k); i++) {
      at += room(inputs[i]);
    }
    bool behind = kernel.together && k > kFrom;
    return behind ? "reinterpret_cast<const char*>(" + name(kFrom) + ") + " + std::to_string(at) : name(k);
  });
  auto chosen = texts(kernel.known);
  chosen.insert(chosen.end(), {std::to_string(kernel.apart), word(kernel.order[0]), word(kernel.order[1])});
  return {"one.cu", given, data + call("one", chosen, {"step", "out", "data"})};
}

} // namespace

Source source(const Kernel& kernel, const Columns& columns, const std::vector<mx::array>& inputs) {
  bool large = kernel.variant == kCosineGeneralLarge || kernel.variant == kColumnsGeneralLarge;
  std::string index = large ? "int64_t" : "uint32_t";
  auto chosen = texts(kernel.known);
  switch (kernel.variant) {
    case kOne:
      return one(kernel, columns, inputs);
    case kCosineContiguous:
      return cosine("contiguous", columns, {}, {"step_strides[0]"});
    case kCosineLine:
      return cosine("line",
                    columns,
                    {},
                    {"step_shape[0]", "step_strides[0]", "from_strides[0]", "length_strides[0]", "to_strides[0]"});
    case kCosineGeneral:
    case kCosineGeneralLarge:
      return cosine("general",
                    columns,
                    {index},
                    {"step_ndim", "step_shape", "step_strides", "from_strides", "length_strides", "to_strides"});
    case kColumnsContiguous:
      return any_columns("columns_contiguous.cu", "contiguous", columns, chosen, {"step_strides[0]"});
    case kColumnsLine:
      return any_columns("columns.cu", "line", columns, chosen, {"step_shape[0]"});
    case kColumnsGeneral:
    case kColumnsGeneralLarge:
      chosen.push_back(index);
      return any_columns("columns.cu", "general", columns, chosen, {"step_ndim", "step_shape"});
  }
  throw std::logic_error("[schedule] A variant of CUDA's kernels without a source.");
}

} // namespace mlx_schedules::cuda
