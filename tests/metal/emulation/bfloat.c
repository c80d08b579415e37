// Converts a float to bfloat16, to nearest even. clang calls this if the processor has no instruction for it. It
// returns a float, of which the caller uses the low half; with a result of type __bf16, clang would make the function
// call itself.
__attribute__((visibility("hidden"))) float __truncsfbf2(float x) {
  unsigned bits;
  __builtin_memcpy(&bits, &x, 4);
  bits = x != x ? 0x7fc0 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  __builtin_memcpy(&x, &bits, 4);
  return x;
}
