// Checks, without a GPU, that the key by which a CUDA kernel is kept for later calls determines the kernel's text, so
// that no schedule is evaluated with a kernel made for another. Prints how many kernels there were and how many calls
// found one kept, or two texts with one key.

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

struct Draw { // of a schedule and its steps
  int columns, groups, steps;
  bool grid, packs;
  mx::Dtype out, step;
  std::vector<EaseCode> eases;
  int repeat;
  std::array<bool, kOperands> present, by_column, by_group;
  std::array<mx::Dtype::Val, kOperands> types;
};

bool repeats(int k) {
  return k == kPeriod || k == kPeriodRest;
}

// Draws one property, or all of them.
void draw(Draw& d, int property) {
  auto chosen = [&](int p) { return property < 0 || property == p; };
  auto out = d.out, step = d.step;
  d.columns = chosen(0) ? one_of({1, 1, 2, 3, 5, 33}) : d.columns;
  d.groups = chosen(1) ? one_of({0, 0, 2, 7}) : d.groups;
  d.steps = chosen(2) ? one_of({1, 4, 300, 5000}) : d.steps;
  d.grid = chosen(3) ? below(2) : d.grid;
  d.packs = chosen(4) ? below(4) > 0 : d.packs;
  d.out = chosen(5) ? one_of({mx::float32, mx::float32, mx::float16, mx::bfloat16}) : out;
  d.step = chosen(6) ? one_of({mx::uint32, mx::int64, mx::bool_, mx::float32}) : step;
  d.repeat = chosen(7) ? below(8) - 7 : d.repeat;
  d.eases.resize(33);
  for (auto& ease : d.eases) {
    ease = chosen(8) ? EaseCode(below(kEases)) : ease;
  }
  bool plain = below(2);
  for (int k = 0; k < kOperands; k++) {
    d.present[k] = chosen(9) ? k <= kEnd || (!plain && below(3) == 0) : d.present[k];
    d.by_column[k] = chosen(10) ? below(2) : d.by_column[k];
    d.by_group[k] = chosen(11) ? below(2) : d.by_group[k];
    auto type = one_of({mx::int32, mx::uint32, mx::int64, mx::uint64, mx::float32});
    d.types[k] = chosen(12) ? type.val() : d.types[k];
  }
}

// Returns the operand that a rest belongs to.
Operand owner(int rest) {
  constexpr Operand owners[] = {kLength, kBegin, kLead, kParameter, kPeriod};
  return owners[rest - kLengthRest];
}

mx::Dtype type_of(const Draw& d, int k) {
  switch (k) {
    case kInit:
    case kEnd:
      return d.out;
    case kLength:
    case kBegin:
    case kLead:
    case kPeriod:
      return mx::Dtype(d.types[k], d.types[k] == mx::int64.val() || d.types[k] == mx::uint64.val() ? 8 : 4);
    case kParameter:
    case kParameterRest:
      return mx::float32;
    default:
      return type_of(d, owner(k)) == mx::float32 ? mx::float32 : mx::uint64;
  }
}

struct Call {
  std::vector<mx::array> inputs;
  Columns columns;
  mx::array out;
};

Call call_of(const Draw& d) {
  using mx::Shape;
  Columns columns;
  columns.eases.assign(d.eases.begin(), d.eases.begin() + d.columns);
  columns.repeat = d.repeat < d.columns ? std::max(d.repeat, -1) : -1;
  auto steps = d.grid && d.groups ? Shape{d.steps, 1} : Shape{d.groups ? d.groups : d.steps};
  std::vector<mx::array> inputs = {filled(steps, mx::issubdtype(d.step, mx::floating) ? d.out : d.step)}, numbers;
  columns.operands = {kStep};
  for (int k = kInit; k < kOperands; k++) {
    bool owned = k < kLengthRest || d.present[owner(k)];
    bool present = repeats(k) ? columns.repeat >= 0 && (k == kPeriod || d.present[k]) : d.present[k] && owned;
    if (!present) {
      continue;
    }
    Shape shape = repeats(k) ? Shape{} : Shape{d.by_column[k] ? d.columns : 1};
    if (d.groups && !repeats(k)) {
      shape.push_back(d.by_group[k] ? d.groups : 1);
    }
    columns.operands.push_back(Operand(k));
    numbers.push_back(filled(shape, type_of(d, k)));
  }
  if (d.packs) {
    columns.packed = pack(numbers);
  }
  inputs.insert(inputs.end(), numbers.begin(), numbers.end());
  auto shape = steps.size() == 2 ? Shape{d.steps, d.groups} : steps;
  return {std::move(inputs), std::move(columns), mx::array(shape, d.out, nullptr, {})};
}

std::string text_of(const cuda::Source& source) {
  std::string text = source.file + std::string("\n");
  for (auto& name : source.inputs) {
    text += name + " ";
  }
  return text + "\n" + source.body;
}

bool is_by_value(int64_t steps) {
  Draw d{1, 0, 4, false, true, mx::float32, mx::uint32, {}, -1, {}, {}, {}, {}};
  d.eases = {EaseCode(0)};
  std::fill(d.present.begin(), d.present.begin() + kEnd + 1, true);
  std::fill(d.types.begin(), d.types.end(), mx::uint32.val());
  auto [inputs, columns, out] = call_of(d);
  return cuda::by_value(inputs, columns, steps).has_value();
}

int main() {
  if (!is_by_value((1LL << 33) - 1) || is_by_value(1LL << 33)) {
    std::cout << "numbers must be passed by value for fewer than 2^33 steps, which the kernel counts in 32 bits\n";
    return 1;
  }
  auto stream = mx::default_stream(mx::Device::cpu);
  std::map<cuda::Key, std::string> texts;
  Draw d{0, 0, 0, false, false, mx::float32, mx::float32, {}, -1, {}, {}, {}, {}};
  int properties = 13, kept = 0;
  for (int i = 0; i < 200'000; i++) {
    draw(d, i % 20 == 0 ? -1 : below(properties)); // most schedules differ from the one before in one property
    auto [inputs, columns, out] = call_of(d);
    auto launch = cuda::launch_for(inputs, columns, out);
    auto text = text_of(cuda::source(launch.kernel, columns, inputs));
    auto [found, added] = texts.emplace(cuda::key_of(launch, out, stream), text);
    kept += !added;
    if (found->second != text) {
      std::cout << found->second << "\n\n" << text << "\n";
      return 1;
    }
  }
  std::cout << texts.size() << " " << kept << "\n";
}
