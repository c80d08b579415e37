// What the shared headers need from CUDA, compiled by NVRTC; see ../README.md. NVRTC contracts a*b + c by default, and
// MLX passes it no option of ours. __fmul_rn is never contracted.
#pragma once

#define MLXS_FN __device__ __forceinline__

MLXS_FN float fused(float a, float b, float c) {
  return __fmaf_rn(a, b, c);
}

MLXS_FN float mul(float a, float b) {
  return __fmul_rn(a, b);
}

MLXS_FN float exponent_scale(float x) { // 2^-e for 2^e: their biased exponents add up to 2 * 127
  return __uint_as_float((254u << 23) - (__float_as_uint(x) & 0x7f800000u));
}

MLXS_FN float rough_inverse(float x) { // within 1 ULP; a division takes 25 more instructions
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// For a whole number n up to 2^23, the low bits of the float 2^23 + n are n.
MLXS_FN float exponent(float x) {
  return __uint_as_float(0x4b000000u | (__float_as_uint(x) >> 23)) - 8388735.0f; // 2^23 + 127
}
MLXS_FN float power_of_two(float k) {
  return __uint_as_float(__float_as_uint(k + 12583039.0f) << 23); // 1.5 * 2^23 + 127
}
