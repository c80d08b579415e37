// Runs CUDA's kernels of one segment on the CPU for integer steps, thread by thread, and compares every result with the
// most general formula. The test gives it kernels/ with the CPU's prelude in place of CUDA's. Prints how many results
// agree.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <random>
#include <vector>

// What the kernels use of CUDA.
struct Index {
  unsigned x;
};
Index blockIdx, blockDim, gridDim, threadIdx;
struct __half {
  float value;
  __half(float x) : value(x) {}
  operator float() const { return value; }
};
using __nv_bfloat16 = struct Brain : __half {
  using __half::__half;
};
#define __shared__ static
void __syncthreads() {} // the first thread of a block prepares for the others, and runs before them
int __ffs(unsigned x) {
  return __builtin_ffs(x);
}
using std::max;
using std::min;

#include "cuda/segment.cu"

using namespace mlx_schedules;

std::mt19937_64 randomness(1);
int64_t agreed = 0;

uint64_t below(uint64_t n) {
  return randomness() % n;
}

template <typename F>
void on_all_threads(unsigned blocks, F kernel) {
  gridDim = {blocks};
  blockDim = {32};
  for (blockIdx = {0}; blockIdx.x < blocks; blockIdx.x++) {
    for (threadIdx = {0}; threadIdx.x < blockDim.x; threadIdx.x++) {
      kernel();
    }
  }
}

struct Strides { // as MLX passes them
  int64_t of[10];
};

template <typename E, typename S>
void by_value(const std::vector<S>& steps, float* out, const Segment<float>& segment) {
  Strides words = {};
  Numbers numbers = numbers_of(segment, steps.size());
  std::memcpy(&words, &numbers, sizeof numbers);
  bool whole = numbers.length.steps.fraction == 0;
  by_span(integer_span(numbers.length), [&](auto at) { // the kernel that csrc/cuda/by_value.cpp chooses
    auto run = [&](auto counted) { by_value<E, at.span, counted.value>(steps.data(), out, words); };
    bool wide = whole && at.span == Span::Wide32;
    on_all_threads(1 << below(3), [&] { wide ? run(std::true_type()) : run(std::false_type()); });
  });
}

template <typename E, TimeType type, typename S, typename T>
void from_memory(const std::vector<S>& steps, float* out, float init, T length, float end) {
  const void* data[kOperands] = {steps.data(), &init, &length, &end};
  int shape[] = {int(steps.size())};
  constexpr int present = (1 << (kEnd + 1)) - 1, types = type << (int(kTypeBits) * kLength);
  on_all_threads(1 << below(3), [&] { contiguous<E, present, types>(steps.data(), out, data, 1, shape); });
}

template <typename E, TimeType type, typename S, typename T>
void check(const char* ease, T length, float init, float end) {
  auto time = [&] {
    if constexpr (type == kFloat32) {
      return real_time(length);
    } else {
      return integer_time<float>(length);
    }
  }();
  auto segment = prepare<E>(time, init, end);
  uint64_t last = segment.clock.length.steps.whole;
  std::vector<S> steps(1 + below(300));
  for (auto& step : steps) {
    uint64_t near[] = {
        last - 1 + below(3), last / 2 - 2 + below(5), below(5), below(1000), randomness(), below(last | 1)};
    step = S(near[below(6)]);
  }
  std::vector<float> out[2] = {std::vector<float>(steps.size() + 4, 7.0f), std::vector<float>(steps.size() + 4, 7.0f)};
  if constexpr (E::counts != int(Count::Lengths)) {
    by_value<E>(steps, out[0].data(), segment);
  }
  from_memory<E, type>(steps, out[1].data(), init, length, end);
  for (int kernel = E::counts == int(Count::Lengths); kernel < 2; kernel++) {
    for (size_t i = 0; i < out[kernel].size(); i++) {
      bool inside = i < steps.size(), past = inside && steps[i] > S(0);
      float right = inside ? exact_value_on<E>(Steps{past ? uint64_t(steps[i]) : 0, 0}, 0.0f, segment) : 7.0f;
      if (std::memcmp(&right, &out[kernel][i], sizeof right) != 0) {
        std::cout << ease << (kernel ? " from memory" : " by value") << ", length " << length << ", step "
                  << (inside ? std::to_string(steps[i]) : "beyond the last") << ": " << out[kernel][i] << ", not "
                  << right << "\n";
        std::exit(1);
      }
      agreed++;
    }
  }
}

template <typename E, TimeType type, typename T>
void check_steps(const char* ease, T length, float init, float end) {
  check<E, type, uint8_t>(ease, length, init, end);
  check<E, type, int32_t>(ease, length, init, end);
  check<E, type, uint32_t>(ease, length, init, end);
  check<E, type, int64_t>(ease, length, init, end);
  check<E, type, uint64_t>(ease, length, init, end);
}

template <typename E>
void check_ease(const char* ease) {
  constexpr float values[] = {0.0f, 1.0f, 0.1f, -0.3f, 1e-38f, 1e38f, 0.001f};
  float init = values[below(7)], end = values[below(7)];
  if (E::multiplies) {
    init = std::abs(init) + 1e-30f;
    end = std::abs(end) + 1e-30f;
  }
  constexpr uint64_t whole[] = {
      0, 1, 2, 1000, (1 << 25) - 1, 1 << 25, (1 << 25) + 1, (1 << 26) + 1, ~0u, 1ull << 32, 1ull << 40, ~0ull};
  for (auto length : whole) {
    check_steps<E, kUint64>(ease, length, init, end);
  }
  for (float length : {0x1p-70f, 0.3f, 7.25f, 1000.5f, 16777216.0f, 3e9f, 5e9f, 1e19f}) {
    check_steps<E, kFloat32>(ease, length, init, end);
  }
}

int main() {
  for (int i = 0; i < 10; i++) {
#define MLXS_CHECK(type, name, ...) check_ease<type>(#name);
    MLXS_EASES(MLXS_CHECK)
  }
  std::cout << agreed << "\n";
}
