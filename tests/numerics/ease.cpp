// The formulas as a shared library for kernels.py: values at any points, consecutive steps, and a search that needs no
// reference.
#include <stddef.h>
#include <stdint.h>

namespace {

#include "cpu/prelude.h"
//
#include "column.h"
#include "ease/list.h"

template <typename R>
struct Points {            // arrays with one entry for each value
  const void *step, *time; // uint64_t or R
  const R *init, *end, *parameter_hi, *parameter_lo;
  R* out;

  Pair<R> parameter(size_t i) const { return {parameter_hi[i], parameter_lo[i]}; }
};

enum { kRealSteps = 1, kRealTimes = 2, kWide = 4, kFlush = 8, kExact = 16 };

// Steps that fit in 32 bits are counted in the narrowest way that T allows, unless the widest is asked for. Stairs with
// fractional lengths have only the exact way.
template <typename E, typename R>
bool only_exact(Segment<R> s) {
  return E::counts == int(Count::Lengths) && s.clock.length.steps.fraction != 0;
}

template <typename E>
float integer_at(uint64_t step, Segment<float> s, bool wide) {
  Span span = wide || step >> 32 ? Span::Wide64 : integer_span(s.clock.length);
  if (span == Span::Wide64) {
    return integer_value<E, Span::Wide64>(step, s);
  }
  return span == Span::Wide32 ? integer_value<E, Span::Wide32>(uint32_t(step), s)
                              : integer_value<E, Span::Narrow>(uint32_t(step), s);
}

template <typename E>
double integer_at(uint64_t step, Segment<double> s, bool) {
  return integer_value<E, Span::Wide64>(step, s);
}

template <typename E, typename R>
R real_at(R step, Segment<R> s, bool wide) {
  wide |= real_span(s.clock.length) == Span::Wide64;
  return wide ? real_value<E, Span::Wide64>(step, s) : real_value<E, Span::Narrow>(step, s);
}

template <typename E, typename R>
void evaluate(Points<R> p, size_t n, int how) {
  auto whole_steps = static_cast<const uint64_t*>(p.step), whole_times = static_cast<const uint64_t*>(p.time);
  auto real_steps = static_cast<const R*>(p.step), real_times = static_cast<const R*>(p.time);
  for (size_t i = 0; i < n; i++) {
    Time<R> time = how & kRealTimes ? real_time(real_times[i]) : integer_time<R>(whole_times[i]);
    Segment<R> s = prepare<E>(time, p.init[i], p.end[i], p.parameter(i));
    if (how & kRealSteps) {
      Exact<R> step = exact(finite_step(real_steps[i]));
      p.out[i] = how & kExact ? exact_value_on<E>(step.steps, step.more, s) : real_at<E>(real_steps[i], s, how & kWide);
    } else {
      bool exactly = (how & kExact) || only_exact<E>(s);
      p.out[i] = exactly ? exact_value_on<E>(Steps{whole_steps[i], 0}, R(0), s)
                         : integer_at<E>(whole_steps[i], s, how & kWide);
    }
  }
}

// Evaluates consecutive steps of the first point's segment, in a loop that compilers vectorise.
template <typename E>
void run(Points<float> p, size_t n, int) {
  uint32_t first = uint32_t(*static_cast<const uint64_t*>(p.step));
  const Segment<float> s =
      prepare<E>(integer_time<float>(*static_cast<const uint64_t*>(p.time)), *p.init, *p.end, p.parameter(0));
  float* out = p.out;
  if (integer_span(s.clock.length) == Span::Narrow) {
    for (size_t i = 0; i < n; i++) {
      out[i] = integer_value<E, Span::Narrow>(first + uint32_t(i), s);
    }
  } else {
    for (size_t i = 0; i < n; i++) {
      out[i] = integer_value<E, Span::Wide64>(first + uint32_t(i), s);
    }
  }
}

// During its lifetime, subnormals are read and written as 0, as on GPUs.
class Flush {
 public:
  explicit Flush(bool on) : before_(get()) {
    if (on) {
      set(before_ | kBits);
    }
  }
  ~Flush() { set(before_); }

 private:
#if defined(__x86_64__)
  static constexpr uint64_t kBits = 0x8040; // FTZ, DAZ
  static uint64_t get() { return __builtin_ia32_stmxcsr(); }
  static void set(uint64_t x) { __builtin_ia32_ldmxcsr(unsigned(x)); }
#else
  static constexpr uint64_t kBits = 1 << 24; // FZ
  static uint64_t get() {
    uint64_t x;
    __asm__ volatile("mrs %0, fpcr" : "=r"(x));
    return x;
  }
  static void set(uint64_t x) { __asm__ volatile("msr fpcr, %0" ::"r"(x)); }
#endif
  uint64_t before_;
};

using Evaluate32 = void (*)(Points<float>, size_t, int);
using Evaluate64 = void (*)(Points<double>, size_t, int);
#define EVALUATE(type, ...) evaluate<type>,
#define RUN(type, ...) run<type>,
constexpr Evaluate32 kEvaluate32[] = {MLXS_EASES(EVALUATE)}, kRun[] = {MLXS_EASES(RUN)};
constexpr Evaluate64 kEvaluate64[] = {MLXS_EASES(EVALUATE)};

} // namespace

extern "C" void evaluate32(int ease, int how, size_t n, Points<float> p) {
  Flush flush(how & kFlush);
  kEvaluate32[ease](p, n, how);
}

extern "C" void evaluate64(int ease, int how, size_t n, Points<double> p) {
  kEvaluate64[ease](p, n, how);
}

extern "C" void run32(int ease, int how, size_t n, Points<float> p) {
  kRun[ease](p, n, how);
}

// The number of significands t for which `reciprocal` isn't correctly rounded from some quotient within `most` ULP.
extern "C" int64_t wrong_reciprocals(int most) {
  int64_t wrong = 0;
  for (int off = -most; off <= most; off++) {
    int bad = 0;
    for (uint32_t i = 0; i < 1u << 23; i++) {
      float t = bits<float>(0x3f800000u + i), nearest = float(1.0 / double(t));
      bad += reciprocal(bits<float>(bits<uint32_t>(nearest) + uint32_t(off)), t) != nearest;
    }
    wrong += bad;
  }
  return wrong;
}
