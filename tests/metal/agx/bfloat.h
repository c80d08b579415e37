// bfloat for a target without it. M1 and M2 store it in 16 bits and convert it with integer instructions.
struct bfloat {
  ushort bits;
  bfloat() = default;
  explicit bfloat(float x) {
    uint u = __builtin_bit_cast(uint, x);
    bits = ushort(x != x ? 0x7fc0u : (u + 0x7fffu + (u >> 16 & 1u)) >> 16);
  }
  operator float() const { return __builtin_bit_cast(float, uint(bits) << 16); }
  operator float() const __constant { return __builtin_bit_cast(float, uint(bits) << 16); }
};

template <int N>
struct bfloat_vec {
  typedef ushort Bits __attribute__((ext_vector_type(N)));
  Bits bits;
  bfloat_vec() = default;
  explicit bfloat_vec(bfloat x) : bits(x.bits) {}
  struct Element {
    __private Bits* of;
    int i;
    operator bfloat() const {
      bfloat x;
      x.bits = (*of)[i];
      return x;
    }
    void operator=(bfloat x) { (*of)[i] = x.bits; }
  };
  Element operator[](int i) __private { return {&bits, i}; }
};
