// What the headers ask of CUDA, under NVRTC. NVRTC contracts a*b + c by default and takes no option from us:
// __fmul_rn is never contracted.
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
