// Fractional numbers of steps in 32-bit words. Vectors hold twice as many of these as of 64-bit words, and every
// instruction set can convert them. Gives the same bits as elapsed_exact and elapsed_exact_on of ../clock.h.
#pragma once

#include "prelude.h"
//
#include "../column.h"

// ---- Whole steps: the distance from a column's begin has the same fraction at every step

template <typename R>
struct Offset {
  uint32_t limit;          // from this many whole steps on, the segment has ended
  uint32_t left;           // whole steps left to the end when none has passed
  uint32_t later;          // 1 if the fraction left is less than the fraction passed, otherwise 0
  Pair<R> part, part_left; // the fraction passed and the fraction left
};

template <typename R>
MLXS_FN Offset<R> offset(Start<R> b, Steps length) {
  uint64_t left = length.fraction - b.fraction;
  return {uint32_t(length.whole) + (b.fraction < length.fraction ? 1 : 0),
          uint32_t(length.whole) - (length.fraction < b.fraction ? 1 : 0),
          left < b.fraction ? 1u : 0u,
          pair_of_fraction<R>(b.fraction),
          pair_of_fraction<R>(left)};
}

// For T < 2^31.
template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_fraction(uint32_t n, Offset<R> o, R scale) {
  bool ended = n >= o.limit;
  uint32_t left = o.left - n;
  bool first = !ended & (n + o.later <= left);
  Pair<R> part = {first ? o.part.hi : (ended ? R(0) : o.part_left.hi),
                  first ? o.part.lo : (ended ? R(0) : o.part_left.lo)};
  Pair<R> s = with_part(split<R>(first ? n : (ended ? 0u : left)), part);
  return {times(fast_two_sum(s.hi, s.lo), scale), first};
}

// The same, where a single R holds every distance.
template <typename R>
MLXS_FN Elapsed<R> elapsed_dyadic(uint32_t n, Offset<R> o, R scale) {
  bool ended = n >= o.limit;
  uint32_t left = o.left - n;
  bool first = !ended & (n + o.later <= left);
  R s = R(int32_t(first ? n : (ended ? 0u : left))) + (first ? o.part.hi : (ended ? R(0) : o.part_left.hi));
  return {mul(s, scale), first};
}

template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_fraction_on(uint32_t n, Offset<R> o, R scale) {
  Pair<R> s = with_part(split_any<R>(n), o.part);
  return {times(fast_two_sum(s.hi, s.lo), scale), true};
}

// ---- Fractional steps

struct Words { // a number of steps below 2^32; `high` and `low` are its fraction in units of 2^-64
  uint32_t whole, high, low;
};

MLXS_FN Words words(Steps s) {
  return {uint32_t(s.whole), uint32_t(s.fraction >> 32), uint32_t(s.fraction)};
}

MLXS_FN bool before(Words a, Words b) {
  bool low = a.low < b.low, high = (a.high < b.high) | ((a.high == b.high) & low);
  return (a.whole < b.whole) | ((a.whole == b.whole) & high);
}

MLXS_FN Words less(Words a, Words b) {
  bool low = a.low < b.low, high = (a.high < b.high) | ((a.high == b.high) & low);
  return {a.whole - b.whole - (high ? 1 : 0), a.high - b.high - (low ? 1 : 0), a.low - b.low};
}

template <typename R>
struct Fine { // the same as Exact, in words
  Words steps;
  R more;
};

// For steps from 0 to below 2^31, and NaN.
MLXS_FN Fine<float> fine(float step) {
  float s = step >= 0.0f ? step : 0.0f;
  int32_t whole = int32_t(s);
  float a = mul(s - float(whole), 16777216.0f); // the fraction is cut into 24, 24 and 16 bits
  int32_t first = int32_t(a);
  float b = mul(a - float(first), 16777216.0f);
  int32_t second = int32_t(b);
  float c = mul(b - float(second), 65536.0f);
  int32_t third = int32_t(c);
  float rest = mul(c - float(third), 5.421010862427522e-20f); // 2^-64
  return {{uint32_t(whole), uint32_t(first) << 8 | uint32_t(second) >> 16, uint32_t(second) << 16 | uint32_t(third)},
          step < 1.0f ? rest : step - step};
}

// What to subtract from a step, modulo 2^32, to get the number of steps into the column's segment.
template <typename R>
MLXS_FN Words origin(Start<R> b) {
  uint64_t fraction = uint64_t(0) - b.fraction;
  return words(Steps{b.less - (fraction != 0 ? 1 : 0), fraction});
}

template <typename R>
MLXS_FN Pair<R> pair_of(Words n) {
  Pair<R> s = fast_two_sum(mul(R(int32_t(n.high >> 8)), R(1099511627776.0)),
                           mul(R(int32_t((n.high & 0xffu) << 16 | n.low >> 16)), R(65536)));
  Pair<R> part = {s.hi, s.lo + R(int32_t(n.low & 0xffffu))};
  return with_part(split_any<R>(n.whole), times(part, R(5.421010862427522e-20))); // 2^-64
}

// For T < 2^31.
template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_words(Words n, R more, Words length, R scale) {
  bool ended = !before(n, length);
  Words left = less(length, n);
  bool first = !ended & !before(left, n);
  Pair<R> s = pair_of<R>(Words{first ? n.whole : (ended ? 0u : left.whole),
                               first ? n.high : (ended ? 0u : left.high),
                               first ? n.low : (ended ? 0u : left.low)});
  R lo = s.lo + (first ? more : (ended ? more - more : -more));
  return {times(fast_two_sum(s.hi, lo), scale), first};
}

template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_words_on(Words n, R more, R scale) {
  Pair<R> s = pair_of<R>(n);
  return {times(fast_two_sum(s.hi, s.lo + more), scale), true};
}
