// What the shared headers need from Metal; see ../README.md.
#pragma once

using namespace metal; // inside our namespace, whose names take precedence over any that a newer <metal_stdlib> adds

#define MLXS_FN inline

MLXS_FN float fused(float a, float b, float c) {
  return metal::fma(a, b, c);
}
MLXS_FN float mul(float a, float b) { // schedule.metal turns contraction off
  return a * b;
}
MLXS_FN float exponent_scale(float x) { // 2^-e for 2^e: their biased exponents add up to 2 * 127
  return as_type<float>((254u << 23) - (as_type<uint32_t>(x) & 0x7f800000u));
}

MLXS_FN float rough_inverse(float x) {
  return 1.0f / x;
}

// For a whole number n up to 2^23, the low bits of the float 2^23 + n are n.
MLXS_FN float exponent(float x) {
  return as_type<float>(0x4b000000u | (as_type<uint32_t>(x) >> 23)) - 8388735.0f; // 2^23 + 127
}
MLXS_FN float power_of_two(float k) {
  return as_type<float>(as_type<uint32_t>(k + 12583039.0f) << 23); // 1.5 * 2^23 + 127
}
