// float to bfloat16, to nearest even: what clang calls where the processor has no instruction for it. Declared to return
// a float, in whose low half the caller looks: clang would compile a __bf16 result into a call of this function.
__attribute__((visibility("hidden"))) float __truncsfbf2(float x) {
  unsigned bits;
  __builtin_memcpy(&bits, &x, 4);
  bits = x != x ? 0x7fc0 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  __builtin_memcpy(&x, &bits, 4);
  return x;
}
