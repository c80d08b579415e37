// What the headers ask of CUDA, under NVRTC: ../README.md. NVRTC contracts a*b + c by default and takes no option from
// us:
// __fmul_rn is never contracted.
#pragma once

#define MLXS_FN __device__ __forceinline__

MLXS_FN float fused(float a, float b, float c) {
  return __fmaf_rn(a, b, c);
}

MLXS_FN float mul(float a, float b) {
  return __fmul_rn(a, b);
}

MLXS_FN float exponent_scale(float x) { // 2^-e from 2^e: the exponents add up to 2 * 127
  return __uint_as_float((254u << 23) - (__float_as_uint(x) & 0x7f800000u));
}

MLXS_FN float rough_inverse(float x) { // to 1 ULP; a division takes 25 instructions more
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// A whole number up to 2^23 is the low bits of 2^23 + n.
MLXS_FN float exponent(float x) {
  return __uint_as_float(0x4b000000u | (__float_as_uint(x) >> 23)) - 8388735.0f; // 2^23 + 127
}
MLXS_FN float power_of_two(float k) {
  return __uint_as_float(__float_as_uint(k + 12583039.0f) << 23); // 1.5 * 2^23 + 127
}
