// float16 and bfloat16 as bits, converted without branches so that loops over them vectorise on any instruction set.
// Included inside an anonymous namespace after kernels/cpu/prelude.h.

struct Float16 {
  uint16_t raw;

  MLXS_FN operator float() const {
    uint32_t magnitude = uint32_t(raw & 0x7fff) << 13;
    float x = bits<float>(magnitude) * 0x1p112f; // changes the exponent's bias, and normalises subnormals
    uint32_t special = magnitude >= 0x0f800000u ? 0x7f800000u : 0u; // infinity or NaN
    return bits<float>(bits<uint32_t>(x) | special | uint32_t(raw & 0x8000) << 16);
  }

  static MLXS_FN Float16 rounded(float x) { // to nearest, ties to even
    uint32_t u = bits<uint32_t>(x), sign = u >> 16 & 0x8000u, magnitude = u & 0x7fffffffu;
    uint32_t normal = (magnitude + 0xfffu + (magnitude >> 13 & 1u) - (112u << 23)) >> 13;
    uint32_t tiny = bits<uint32_t>(bits<float>(magnitude) + 0.5f) - 0x3f000000u; // the ULP of 0.5 is float16's smallest
    uint32_t h = magnitude < 0x38800000u ? tiny : normal;
    h = magnitude >= 0x477ff000u ? 0x7c00u : h;
    h = magnitude > 0x7f800000u ? 0x7e00u : h;
    return {uint16_t(h | sign)};
  }
};

struct BFloat16 {
  uint16_t raw;

  MLXS_FN operator float() const { return bits<float>(uint32_t(raw) << 16); }

  static MLXS_FN BFloat16 rounded(float x) {
    uint32_t u = bits<uint32_t>(x);
    uint32_t nearest = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
    return {uint16_t((u & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : nearest)};
  }
};

template <typename S>
constexpr bool is_integer = S(0.5) == S(0);
template <>
constexpr bool is_integer<Float16> = false;
template <>
constexpr bool is_integer<BFloat16> = false;

template <typename Out, typename R>
MLXS_FN Out rounded(R x) {
  if constexpr (sizeof(Out) == 2) {
    return Out::rounded(x);
  } else {
    return x;
  }
}
