// What an ease gives at a step: a Weight, a Factor or Unchanged, which `finish` of segment.h makes a value of.
#pragma once

#include "../pair.h"

// Pairs come first in a struct: across two words of one, clang would pass them through memory and vectorise nothing.
template <typename R>
struct Weight {  // how much of the change from one end to the other has come
  Pair<R> twice; // twice the weight, over scale: half the range that it multiplies cannot overflow
  R scale;       // a power of two; 1 where the weight cannot be tiny
  bool first;    // counted from the first end, where that is the nearer by weight, else from the second
};

template <typename R>
struct Factor { // an end times 2^exponent (1 + change)
  Pair<R> change;
  R exponent; // whole, from -254 to 254; from -2046 to 2046 in double
  bool first;
};

template <typename R>
struct Unchanged { // the first end
  R one;           // or NaN, which it becomes
};

// Whether an ease stays so at integer steps, which then need not be looked at.
template <typename E>
struct IsUnchanged {
  enum { value = 0 };
};
