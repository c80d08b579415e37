// What the shared headers need from a host compiler; see ../README.md. It is included inside an anonymous namespace, so
// that the linker can't replace one instruction set's functions by another's. Every function is inlined, because a
// remaining call would keep its loop from being vectorised (25 ns a step instead of 0.6).
#pragma once

#define MLXS_FN inline __attribute__((always_inline))

MLXS_FN float fused(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
MLXS_FN double fused(double a, double b, double c) {
  return __builtin_fma(a, b, c);
}
// -ffp-contract=off keeps these products from being contracted.
MLXS_FN float mul(float a, float b) {
  return a * b;
}
MLXS_FN double mul(double a, double b) {
  return a * b;
}

template <typename To, typename From>
MLXS_FN To bits(From x) {
  static_assert(sizeof(To) == sizeof(From), "the same number of bits");
  To y;
  __builtin_memcpy(&y, &x, sizeof y);
  return y;
}

MLXS_FN float exponent_scale(float x) { // 2^-e for 2^e: their biased exponents add up to 2 * 127
  return bits<float>((254u << 23) - (bits<uint32_t>(x) & 0x7f800000u));
}
MLXS_FN double exponent_scale(double x) {
  return bits<double>((2046ull << 52) - (bits<uint64_t>(x) & 0x7ff0000000000000ull));
}

MLXS_FN float rough_inverse(float x) {
  return 1.0f / x;
}
MLXS_FN double rough_inverse(double x) {
  return 1.0 / x;
}

// For a whole number n up to 2^23, the low bits of the float 2^23 + n are n. This needs no conversion instruction,
// which not every instruction set has for vectors of double.
MLXS_FN float exponent(float x) {
  return bits<float>(0x4b000000u | (bits<uint32_t>(x) >> 23)) - 8388735.0f; // 2^23 + 127
}
MLXS_FN double exponent(double x) {
  return bits<double>(0x4330000000000000ull | (bits<uint64_t>(x) >> 52)) - 4503599627371519.0; // 2^52 + 1023
}
MLXS_FN float power_of_two(float k) {
  return bits<float>(bits<uint32_t>(k + 12583039.0f) << 23); // 1.5 * 2^23 + 127
}
MLXS_FN double power_of_two(double k) {
  return bits<double>(bits<uint64_t>(k + 6755399441056767.0) << 52); // 1.5 * 2^52 + 1023
}
