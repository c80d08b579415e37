// The formula as a shared library, for tests/test_eases.py: values at any points, and searches that need no reference.
#include <cstddef>
#include <cstdint>

namespace {

#include "prelude/cpu.h"
//
#include "segment.h"

template <typename R>
struct Points {            // one of each for every value
  const void *step, *time; // uint64_t, or R
  const R *from, *to, *shape_hi, *shape_lo;
  R* out;
};

template <typename E, typename R>
R real_at(R step, Segment<R> s) {
  return real_span(s.clock.length) == Span::Wide64 ? real_value<E, Span::Wide64>(step, s)
                                                 : real_value<E, Span::Narrow>(step, s);
}

template <typename E, typename R>
R integer_at(uint64_t step, Segment<R> s) {
  return integer_value<E, Span::Wide64>(step, s);
}

// Steps that 32 bits hold go the narrower ways that T allows.
template <typename E>
float narrow_at(uint64_t step, Segment<float> s) {
  Span span = integer_span(s.clock.length);
  if (step >> 32 || span == Span::Wide64) {
    return integer_at<E>(step, s);
  }
  return span == Span::Wide32 ? integer_value<E, Span::Wide32>(uint32_t(step), s)
                              : integer_value<E, Span::Narrow>(uint32_t(step), s);
}

template <typename E>
double narrow_at(uint64_t step, Segment<double> s) {
  return integer_at<E>(step, s);
}

template <typename E, typename R>
void evaluate(Points<R> p, size_t n, bool real_steps, bool real_times, bool wide) {
  for (size_t i = 0; i < n; i++) {
    Time<R> time = real_times ? real_time(static_cast<const R*>(p.time)[i])
                              : integer_time<R>(static_cast<const uint64_t*>(p.time)[i]);
    Segment<R> s = prepare<E>(time, p.from[i], p.to[i], Pair<R>{p.shape_hi[i], p.shape_lo[i]});
    if (real_steps) {
      R step = static_cast<const R*>(p.step)[i];
      p.out[i] = wide ? real_value<E, Span::Wide64>(step, s) : real_at<E>(step, s);
    } else {
      uint64_t step = static_cast<const uint64_t*>(p.step)[i];
      p.out[i] = wide ? integer_at<E>(step, s) : narrow_at<E>(step, s);
    }
  }
}

template <typename R>
void evaluate(int ease, Points<R> p, size_t n, bool real_steps, bool real_times, bool wide) {
  using F = void (*)(Points<R>, size_t, bool, bool, bool);
  constexpr F eases[] = {evaluate<Hold, R>,
                         evaluate<Linear, R>,
                         evaluate<Cosine, R>,
                         evaluate<Power, R>,
                         evaluate<ReversePower, R>,
                         evaluate<Geometric, R>,
                         evaluate<Exponential, R>,
                         evaluate<Stairs, R>,
                         evaluate<InversePower, R>};
  eases[ease](p, n, real_steps, real_times, wide);
}

// Subnormals read and written as 0, as GPUs do, while it lives.
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
#elif defined(__aarch64__)
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

} // namespace

enum { kRealSteps = 1, kRealTimes = 2, kWide = 4, kFlush = 8 };

extern "C" __attribute__((noinline)) void evaluate32(int ease, int how, size_t n, Points<float> p) {
  Flush flush(how & kFlush);
  evaluate(ease, p, n, how & kRealSteps, how & kRealTimes, how & kWide);
}

extern "C" __attribute__((noinline)) void evaluate64(int ease, int how, size_t n, Points<double> p) {
  Flush flush(how & kFlush);
  evaluate(ease, p, n, how & kRealSteps, how & kRealTimes, how & kWide);
}

// Significands whose reciprocal is not the nearest float from some quotient within `most` ULP of it.
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
