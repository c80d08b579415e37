// Every ease: its struct, its name, whether it ends at its length, and what its parameter is. To add one, write its
// file beside this one, an include in ../eases.h and a line here; the compiler and the tests then ask for the rest.
#pragma once

#define MLXS_EASES(X)                            \
  X(Hold, hold, false, none)                     \
  X(Linear, linear, true, none)                  \
  X(Cosine, cosine, true, none)                  \
  X(Power, power, true, exponent)                \
  X(ReversePower, reverse_power, true, exponent) \
  X(Geometric, geometric, true, none)            \
  X(Exponential, exponential, false, rate)       \
  X(Stairs, stairs, false, rate)                 \
  X(InversePower, inverse_power, false, exponent)

#define MLXS_EASE_CODE(type, ...) k##type,
enum EaseCode { MLXS_EASES(MLXS_EASE_CODE) kEases };
#undef MLXS_EASE_CODE
