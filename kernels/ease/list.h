// Every ease, for the host and for dispatch on devices: its struct, and its name. Adding one is its file beside this
// one, an include in ../eases.h and a line here.
#pragma once

#define MLXS_EASES(X)            \
  X(Hold, hold)                  \
  X(Linear, linear)              \
  X(Cosine, cosine)              \
  X(Power, power)                \
  X(ReversePower, reverse_power) \
  X(Geometric, geometric)        \
  X(Exponential, exponential)    \
  X(Stairs, stairs)              \
  X(InversePower, inverse_power)

#define MLXS_EASE_CODE(type, name) k##type,
enum EaseCode { MLXS_EASES(MLXS_EASE_CODE) kEases };
#undef MLXS_EASE_CODE
