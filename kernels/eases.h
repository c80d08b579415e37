// Every ease, once: adding one is its file under ease/ and its line here.
//
// An ease is a struct of
//   counts                           how it counts steps: a Count of clock.h
//   rate(per_step, shape, from, to)  what it prepares once, from 1 / (scale T), its shape and its ends
//   weight(e, rate, shape)           at a step as far along as e says: a Weight where the ease goes from one value to
//                                    another, a Factor where it multiplies one
// The shape, if it has one, is a pair, since a run's many steps amplify it.

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

#include "explog.h"
//
#include "ease/cosine.h"
#include "ease/exponential.h"
#include "ease/geometric.h"
#include "ease/hold.h"
#include "ease/inverse_power.h"
#include "ease/linear.h"
#include "ease/power.h"
