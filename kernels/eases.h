// Every ease, once: adding one is its file under ease/ and its line here.
//
// An ease is a struct of two functions:
//   rate(per_step)    what it prepares once, from 1 / (scale T)
//   weight(e, rate)   how much of the change from one end to the other has come, at a step as far along as e says

template <typename R>
struct Weight {
  bool first;    // counted from the first end, where that is the nearer by weight, else from the second
  Pair<R> twice; // twice the weight: half the range that it multiplies cannot overflow
};

#include "ease/cosine.h"
