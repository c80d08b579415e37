// What the headers ask of Metal: ../README.md.
#pragma once

using namespace metal; // within our own namespace, whose names come before any that a newer <metal_stdlib> may have

#define MLXS_FN inline

MLXS_FN float fused(float a, float b, float c) {
  return metal::fma(a, b, c);
}
MLXS_FN float mul(float a, float b) { // contraction is off
  return a * b;
}
MLXS_FN float exponent_scale(float x) { // 2^-e from 2^e: the exponents add up to 2 * 127
  return as_type<float>((254u << 23) - (as_type<uint32_t>(x) & 0x7f800000u));
}

MLXS_FN float rough_inverse(float x) {
  return 1.0f / x;
}

// A whole number up to 2^23 is the low bits of 2^23 + n.
MLXS_FN float exponent(float x) {
  return as_type<float>(0x4b000000u | (as_type<uint32_t>(x) >> 23)) - 8388735.0f; // 2^23 + 127
}
MLXS_FN float power_of_two(float k) {
  return as_type<float>(as_type<uint32_t>(k + 12583039.0f) << 23); // 1.5 * 2^23 + 127
}
