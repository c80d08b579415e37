// What the loops share. Included inside an anonymous namespace after half.h.

#define MLXS_INLINED __attribute__((always_inline))
#if defined(__clang__)
#define MLXS_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define MLXS_INDEPENDENT _Pragma("GCC ivdep") // out may be step itself: same index, same width
#endif

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
