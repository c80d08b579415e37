#include "fuse.h"

#include <string_view>
#include <unordered_set>

#include "mlx/primitives.h"

namespace mlx_schedules {

namespace mx = mlx::core;

namespace {

const std::unordered_set<std::string_view> kElementwise = {
    "Abs",       "Add",        "AsType",     "Broadcast", "Divide",  "Equal",   "Greater",  "GreaterEqual", "Less",
    "LessEqual", "LogicalAnd", "LogicalNot", "LogicalOr", "Maximum", "Minimum", "Multiply", "Negative",     "NotEqual",
    "Power",     "Rsqrt",      "Select",     "Sign",      "Sqrt",    "Square",  "Subtract"};

// What mx::Compiled is made of.
struct Tape {
  mx::Shape shape;
  std::unordered_set<uintptr_t> inputs;
  std::vector<mx::array> leaves = {}, operations = {};
  std::unordered_set<uintptr_t> constants = {}, seen = {};

  // Adds an array after all that it is computed from. Numbers that all elements share are computed elsewhere, once.
  bool add(const mx::array& a) {
    if (!seen.insert(a.id()).second) {
      return true;
    }
    if (inputs.contains(a.id()) || a.size() == 1) {
      leaves.push_back(a);
      if (!a.has_primitive() && a.is_available()) {
        constants.insert(a.id());
      }
      return true;
    }
    if (!a.has_primitive() || !kElementwise.contains(a.primitive().name()) || a.shape() != shape) {
      return false;
    }
    for (auto& input : a.inputs()) {
      if (!add(input)) {
        return false;
      }
    }
    operations.push_back(a);
    return true;
  }
};

} // namespace

std::optional<std::vector<mx::array>> fuse(const std::vector<mx::array>& inputs,
                                           const std::vector<mx::array>& outputs) {
  Tape tape{outputs[0].shape()};
  for (auto& input : inputs) {
    tape.inputs.insert(input.id());
  }
  std::vector<mx::Dtype> types;
  for (auto& output : outputs) {
    if (output.size() <= 1 || tape.inputs.contains(output.id()) || !tape.add(output)) {
      return {};
    }
    types.push_back(output.dtype());
  }
  // The class that mx.compile itself makes, which doesn't know mx.compile's limit of 11 operations in a row.
  auto kernel = std::make_shared<mx::Compiled>(
      outputs[0].primitive().stream(), tape.leaves, outputs, tape.operations, tape.constants);
  return mx::array::make_arrays(std::vector<mx::Shape>(outputs.size(), outputs[0].shape()), types, kernel, tape.leaves);
}

} // namespace mlx_schedules
