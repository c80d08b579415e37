// Checks, without a GPU, that the key by which a CUDA kernel is kept for later calls determines the kernel's text: that
// no schedule is evaluated with a kernel made for another. Prints the number of kernels, or what is wrong.

#include <iostream>
#include <map>
#include <random>

#include "axes.cpp"
#include "cuda/by_value.cpp"
#include "cuda/eval.cpp"
#include "cuda/inputs.cpp"
#include "cuda/launcher.cpp"
#include "cuda/source.cpp"
#include "pack.cpp"
#include "package.cpp"
#include "plan.cpp"

namespace mlx_schedules {

const char* const kOperandNames[kOperands] = {
    "step", "init", "length", "end", "begin", "lead", "parameter", "period", "r0", "r1", "r2", "r3", "r4"};

int Columns::input(Operand k) const {
  auto found = std::find(operands.begin(), operands.end(), k);
  return found == operands.end() ? -1 : int(found - operands.begin());
}

} // namespace mlx_schedules

using namespace mlx_schedules;

std::minstd_rand randomness(1);

int below(int n) {
  return int(randomness() >> 8) % n;
}

template <typename T>
T one_of(std::initializer_list<T> values) {
  return values.begin()[below(values.size())];
}

mx::array filled(mx::Shape shape, mx::Dtype dtype) { // memory that the host has
  int64_t size = 1;
  for (auto n : shape) {
    size *= n;
  }
  std::vector<int> ones(size, 1);
  return mx::array(ones.begin(), shape, dtype);
}

int main() {
  using mx::Shape;
  auto stream = mx::default_stream(mx::Device::cpu);
  std::map<cuda::Key, std::string> texts;
  for (int i = 0; i < 100'000; i++) {
    Columns columns;
    int count = one_of({1, 1, 1, 2, 3, 5, 33}), groups = one_of({0, 0, 2, 7});
    for (int c = 0; c < count; c++) {
      columns.eases.push_back(EaseCode(below(kEases)));
    }
    bool plain = count == 1 && below(2) == 0;
    columns.repeat = !plain && below(5) == 0 ? below(count) : -1;
    auto out_type = one_of({mx::float32, mx::float32, mx::float16, mx::bfloat16});
    auto steps_type = one_of({mx::uint32, mx::int64, mx::bool_, out_type});
    int steps = one_of({1, 4, 300, 5000});
    mx::array step = filled(groups && below(2) ? Shape{steps, 1} : Shape{groups ? groups : steps}, steps_type);
    std::vector<mx::array> numbers;
    columns.operands = {kStep};
    for (int k = kInit; k < kOperands; k++) {
      bool repeats = k == kPeriod || k == kPeriodRest;
      if (k > kEnd && (plain || (repeats ? columns.repeat < 0 : below(3) > 0))) {
        continue;
      }
      bool length = k == kLength || k == kBegin || k == kLead || k == kPeriod;
      auto type = k == kInit || k == kEnd ? out_type : mx::float32;
      type = length ? one_of({mx::int32, mx::uint32, mx::int64, mx::uint64, mx::float32}) : type;
      type = k >= kLengthRest && k != kParameterRest ? one_of({mx::float32, mx::uint64}) : type;
      Shape shape = repeats ? Shape{} : Shape{below(2) ? count : 1};
      if (groups && !repeats) {
        shape.push_back(below(2) ? groups : 1);
      }
      columns.operands.push_back(Operand(k));
      numbers.push_back(filled(shape, type));
    }
    if (below(4) > 0) {
      columns.packed = pack(numbers);
    }
    std::vector<mx::array> inputs = {step};
    inputs.insert(inputs.end(), numbers.begin(), numbers.end());
    Shape shape = step.ndim() == 2 ? Shape{steps, groups} : step.shape();
    mx::array out(shape, out_type, nullptr, {});
    if (is_contiguous(inputs, columns, out) && !make_plan(inputs, columns, out, false).contiguous) {
      std::cout << "A plan says that these steps are not contiguous.\n";
      return 1;
    }
    auto launch = cuda::launch_for(inputs, columns, out);
    auto made = cuda::source(launch.kernel, columns, inputs);
    std::string text = made.file + std::string("\n");
    for (auto& name : made.inputs) {
      text += name + " ";
    }
    text += "\n" + made.body;
    auto [found, added] = texts.emplace(cuda::key_of(launch, out, stream), text);
    if (found->second != text) {
      std::cout << found->second << "\n\n" << text << "\n";
      return 1;
    }
  }
  std::cout << texts.size() << "\n";
}
