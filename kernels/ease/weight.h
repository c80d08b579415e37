// What an ease returns for a step: a Weight, a Factor or an Unchanged, from which `finish` of segment.h gets the value.
// `first` tells whether it starts from the first endpoint, init, or from the second, end.
#pragma once

#include "../pair.h"

// Pairs come first in these structs: clang would pass a pair that straddles two words of its struct through memory, and
// vectorise nothing.
template <typename R>
struct Weight {  // how much of the change from one endpoint to the other is done
  Pair<R> twice; // twice the weight, divided by scale; it multiplies half of the range, which cannot overflow
  R scale;       // a power of two; 1 for eases whose weight cannot be tiny
  bool first;    // chosen so that the weight counts from the nearer endpoint
};

template <typename R>
struct Factor { // the value is an endpoint times 2^exponent (1 + change)
  Pair<R> change;
  R exponent; // a whole number from -254 to 254, in double from -2046 to 2046
  bool first;
};

template <typename R>
struct Unchanged { // the value is init
  R one;           // 1, or NaN to make the value NaN
};

// Whether the value is init at every integer step, so that steps need not be read.
template <typename E>
struct IsUnchanged {
  enum { value = 0 };
};
