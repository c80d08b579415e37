// Executes Apple GPU machine code (G13: M1, M2) as Mesa's disassembler prints it, one SIMD group of 32 threads at a
// time. It knows the instructions in the table below. Any other instruction, or other operands, are an error.
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

template <typename T>
using Lanes = T __attribute__((ext_vector_type(32)));
using U = Lanes<uint32_t>;
using L = Lanes<uint64_t>;
using I = Lanes<int64_t>;
using F = Lanes<float>;

template <typename To, typename From>
To as(From x) {
  return __builtin_bit_cast(To, x);
}
template <typename To, typename From>
Lanes<To> convert(From x) {
  return __builtin_convertvector(x, Lanes<To>);
}

// The hardware flushes float32 subnormals; MLXS_AGX_SUBNORMALS=kept keeps them. MLXS_AGX_RCP is an error in ULP that is
// added to every reciprocal.
const bool kept = std::getenv("MLXS_AGX_SUBNORMALS");
const uint32_t rcp_error = std::getenv("MLXS_AGX_RCP") ? std::atoi(std::getenv("MLXS_AGX_RCP")) : 0;

F flushed(F x) {
  U b = as<U>(x);
  return kept ? x : as<F>((b & 0x7f800000) == 0 ? b & 0x80000000 : b);
}

// The driver moves loads before the branch that they depend on, and the hardware loads 0 from an invalid address. Pages
// that have been checked are remembered for a launch.
thread_local std::unordered_map<size_t, bool> pages;

bool readable(size_t at) {
  auto [page, unseen] = pages.try_emplace(at >> 12);
  if (unseen) {
    char byte;
    iovec to = {&byte, 1}, from = {reinterpret_cast<void*>(at), 1};
    page->second = process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;
  }
  return page->second;
}

struct Operand {
  enum Kind { Register, Uniform, Integer, Real } kind;
  int index, bits;
  bool high, sign_extended, negative, absolute;
  int64_t value; // of an immediate; for a real, its bits
};

struct Group;
struct Instruction;
using Condition = U (*)(const Group&, const Operand&, const Operand&);
struct Definition {
  size_t operands;
  void (*run)(Group&, const Instruction&);
};

struct Instruction {
  std::string name;
  const Definition* definition;
  std::vector<Operand> o, list; // `list`: the registers that are loaded or stored, in order
  Condition condition = nullptr;
  int shift = 0, bytes = 0;
  size_t target = 0; // of a jump
  mutable uint64_t issued = 0;
};

struct Group {   // the state of 32 threads
  U r[258] = {}; // the last two are the threads' positions in the grid
  U alive, active;
  std::vector<uint32_t>& u; // uniforms
  size_t at = 0;            // the next instruction
  char stack[32][1024];

  explicit Group(U threads, std::vector<uint32_t>& uniforms) : alive(threads), active(threads), u(uniforms) {}

  U word(const Operand& o, int i) const { return o.kind == Operand::Register ? r[o.index + i] : U(u[o.index + i]); }

  L bits(const Operand& o) const {
    if (o.kind >= Operand::Integer) {
      return L(uint64_t(o.value));
    }
    L w = convert<uint64_t>(word(o, 0));
    if (o.bits == 64) {
      return w | convert<uint64_t>(word(o, 1)) << 32;
    }
    return o.bits == 32 ? w : o.high ? w >> 16 : w & 0xffff;
  }

  I extended(const Operand& o) const { // with its sign extended
    int unused = o.kind <= Operand::Uniform ? 64 - o.bits : 0;
    return as<I>(bits(o) << unused) >> unused;
  }

  I integer(const Operand& o) const { return o.sign_extended ? extended(o) : as<I>(bits(o)); }

  F real(const Operand& o) const {
    F f = o.kind == Operand::Integer ? F(o.value)
          : o.bits == 16             ? convert<float>(as<Lanes<_Float16>>(convert<uint16_t>(bits(o))))
                                     : flushed(as<F>(convert<uint32_t>(bits(o))));
    f = o.absolute ? __builtin_elementwise_abs(f) : f;
    return o.negative ? -f : f;
  }

  void put(const Operand& o, L value) {
    for (int i = 0; i < (o.bits == 64 ? 2 : 1); i++) {
      U old = word(o, i), now = convert<uint32_t>(value >> (32 * i));
      if (o.bits == 16) {
        now = o.high ? (old & 0xffff) | now << 16 : (old & 0xffff0000) | (now & 0xffff);
      }
      if (o.kind == Operand::Uniform) { // in the preamble, which one thread executes
        u[o.index + i] = now[0];
      } else {
        r[o.index + i] = active != 0 ? now : old;
      }
    }
  }

  void put(const Operand& o, F value) {
    U whole = as<U>(flushed(value));
    Lanes<uint16_t> half = as<Lanes<uint16_t>>(convert<_Float16>(as<F>(whole)));
    put(o, o.bits == 16 ? convert<uint64_t>(half) : convert<uint64_t>(whole));
  }

  U nesting() const { return r[0] & 0xffff; } // r0l: for how many blocks a thread is inactive

  void nest(U n) {
    r[0] = (r[0] & 0xffff0000) | n;
    active = alive & as<U>(n == 0);
  }

  bool any() const { return __builtin_reduce_or(active); }

  // Loads or stores the list's registers, which are consecutive in memory; `stacked` means a memory of each thread.
  void move(const Instruction& i, bool stacked, bool loads) {
    L base = stacked ? L(0) : bits(i.o[0]), offset = as<L>(integer(i.o.back()) << i.shift);
    for (size_t k = 0; k < i.list.size(); k++) {
      L values = bits(i.list[k]);
      for (int lane = 0; lane < 32; lane++) {
        size_t at = (stacked ? offset[lane] : base[lane] + offset[lane] * i.bytes) + k * i.bytes;
        if (active[lane] && (at % i.bytes || (stacked && at + i.bytes > sizeof stack[0]))) {
          throw std::runtime_error("an address that is not aligned or outside");
        }
        char* p = stacked ? stack[lane] + at : reinterpret_cast<char*>(at);
        uint64_t value = values[lane];
        if (active[lane] && loads) {
          value = 0;
          stacked || readable(at) ? std::memcpy(&value, p, i.bytes) : nullptr;
        } else if (active[lane]) {
          std::memcpy(p, &value, i.bytes);
        }
        values[lane] = value;
      }
      if (loads) {
        put(i.list[k], values);
      }
    }
  }
};

template <typename To, typename From, typename Op>
Lanes<To> each(From x, Op op) {
  Lanes<To> y;
  for (int i = 0; i < 32; i++) {
    y[i] = op(x[i]);
  }
  return y;
}

U highest_bit(U x) { // -1 if no bit is set
  return each<uint32_t>(x, [](uint32_t v) { return v ? 31 - __builtin_clz(v) : -1; });
}
L truncated(F x, double least, double most) { // NaN gives 0
  return each<uint64_t>(x, [&](double v) { return v != v ? 0 : int64_t(std::min(std::max(v, least), most)); });
}
F power_of_two(F x) { // for whole numbers; for others, the hardware's last bit is unknown
  return each<float>(x, [](float v) { return v == std::trunc(v) ? std::exp2(v) : NAN; });
}
L shifted_left(L a, L by) {
  return (by & 127) < 64 ? a << (by & 63) : L(0);
}
L shifted_right(L a, L by) {
  return (by & 127) < 64 ? a >> (by & 63) : L(0);
}
L lowest(L bits) { // a mask of the lowest bits; 0 means all 32
  return bits == 0 ? L(0xffffffff) : (L(1) << bits) - 1;
}
I within(const Instruction& i, I x) { // clips to 32 bits, signed if a source is read as signed
  bool is_signed = i.o[1].sign_extended || i.o[2].sign_extended;
  int64_t least = is_signed ? INT32_MIN : 0, most = is_signed ? INT32_MAX : UINT32_MAX;
  if (i.o[0].bits != 32) {
    throw std::runtime_error("saturation of other than 32 bits");
  }
  return x < least ? I(least) : x > most ? I(most) : x;
}
void nothing(const Operand& o) {
  if (o.value) {
    throw std::runtime_error("an unknown operand");
  }
}

#define DEFINE(operands, ...) {operands, [](Group& g, const Instruction& i) { __VA_ARGS__; }}
#define SOURCES(type, get, n)                                                                            \
  [[maybe_unused]] type a = g.get(i.o[1]), b = n > 1 ? g.get(i.o[2]) : a, c = n > 2 ? g.get(i.o[3]) : a; \
  [[maybe_unused]] type d = n > 3 ? g.get(i.o[4]) : a
#define BITS(n, value) DEFINE(n + 1, SOURCES(L, bits, n); g.put(i.o[0], L(value)))
#define INTEGER(n, value) DEFINE(n + 1, SOURCES(I, integer, n); g.put(i.o[0], as<L>(I(value))))
#define REAL(n, value) DEFINE(n + 1, SOURCES(F, real, n); g.put(i.o[0], F(value)))
#define FROM_INTEGER(type) DEFINE(2, g.put(i.o[0], convert<float>(convert<type>(g.bits(i.o[1])))))
#define NESTING(n, after)                                                                   \
  DEFINE(n, U v = g.nesting(), levels = U(i.o[n - 1].value);                                \
         [[maybe_unused]] U unmet = n > 1 ? U(i.condition(g, i.o[0], i.o[1]) == 0) & 1 : v; \
         g.nest(U(after)))

// clang-format off
const std::map<std::string, Definition> table = {
    {"fadd", REAL(2, a + b)},
    {"fmul", REAL(2, a * b)},
    {"ffma", REAL(3, __builtin_elementwise_fma(a, b, c))},
    {"trunc", REAL(1, __builtin_elementwise_trunc(a))},
    {"rcp", REAL(1, as<F>(as<U>(1.0f / a) + rcp_error))},
    {"exp2", REAL(1, power_of_two(a))},
    {"u8_to_f", FROM_INTEGER(uint8_t)},
    {"u16_to_f", FROM_INTEGER(uint16_t)},
    {"u32_to_f", FROM_INTEGER(uint32_t)},
    {"s32_to_f", FROM_INTEGER(int32_t)},
    {"f_to_u32", DEFINE(2, g.put(i.o[0], truncated(g.real(i.o[1]), 0.0, 4294967295.0)))},
    {"f_to_s32", DEFINE(2, g.put(i.o[0], truncated(g.real(i.o[1]), -2147483648.0, 2147483647.0)))},
    {"mov", BITS(1, a)},
    {"ldimm", BITS(1, a)},
    {"not", BITS(1, ~a)},
    {"and", BITS(2, a & b)},
    {"or", BITS(2, a | b)},
    {"xor", BITS(2, a ^ b)},
    {"shl", BITS(2, shifted_left(a, b))},
    {"shr", BITS(2, shifted_right(a, b))},
    {"extr", BITS(4, shifted_right(a | b << 32, c) & lowest(d))},         // of the pair b:a
    {"bfeil", BITS(4, (a & ~lowest(d)) | (shifted_right(b, c) & lowest(d)))},
    {"asr", DEFINE(5, nothing(i.o[3]); nothing(i.o[4]);
                   g.put(i.o[0], as<L>(g.extended(i.o[1]) >> as<I>(g.bits(i.o[2]) & 31))))},
    {"ffs", DEFINE(2, g.put(i.o[0], convert<uint64_t>(highest_bit(convert<uint32_t>(g.bits(i.o[1]))))))},
    {"iadd", INTEGER(2, a + (b << i.shift))},
    {"isub", INTEGER(2, a - (b << i.shift))},
    {"iadd_sat", INTEGER(2, within(i, a + (b << i.shift)))},
    {"isub_sat", INTEGER(2, within(i, a - (b << i.shift)))},
    {"imul", INTEGER(2, a * (b << i.shift))},
    {"imadd", INTEGER(3, a * b + (c << i.shift))},
    {"csel", DEFINE(5, U met = i.condition(g, i.o[1], i.o[2]);
                    g.put(i.o[0], convert<int64_t>(as<Lanes<int32_t>>(met)) != 0 ? g.bits(i.o[3]) : g.bits(i.o[4])))},
    {"if", NESTING(3, v != 0 ? v + levels : unmet)},
    {"else", NESTING(3, v == 0 ? levels : v == 1 ? unmet : v)},
    {"while", NESTING(3, v < levels ? unmet * levels : v)},
    {"pop_exec", NESTING(1, v > levels ? v - levels : 0)},
    {"jmp_none", DEFINE(1, if (!g.any()) g.at = i.target)},
    {"jmp_any", DEFINE(1, if (g.any()) g.at = i.target)},
    {"load", DEFINE(2, g.move(i, false, true))},
    {"store", DEFINE(2, g.move(i, false, false))},
    {"stack_load", DEFINE(1, g.move(i, true, true))},
    {"stack_store", DEFINE(1, g.move(i, true, false))},
    {"stack_adjust", DEFINE(1, (void)g, (void)i)},
    {"wait", DEFINE(0, (void)g, (void)i)},
    {"stop", DEFINE(0, (void)i, g.at = SIZE_MAX)},
};

#define CONDITION(type, get, value) [](const Group& g, const Operand& x, const Operand& y) { \
  type a = g.get(x), b = g.get(y); return convert<uint32_t>(value); }
const std::map<std::string, Condition> conditions = {
    {"ieq", CONDITION(L, bits, a == b)},
    {"ine", CONDITION(L, bits, a != b)},
    {"ult", CONDITION(L, bits, a < b)},
    {"ugt", CONDITION(L, bits, a > b)},
    {"ugte", CONDITION(L, bits, a >= b)},
    {"slt", CONDITION(I, extended, a < b)},
    {"sgt", CONDITION(I, extended, a > b)},
    {"sgte", CONDITION(I, extended, a >= b)},
    {"feq", CONDITION(F, real, a == b)},
    {"fneq", CONDITION(F, real, a != b)},
    {"flt", CONDITION(F, real, a < b)},
    {"fgt", CONDITION(F, real, a > b)},
    {"flte", CONDITION(F, real, a <= b)},
    {"fgte", CONDITION(F, real, a >= b)},
};
// clang-format on

// ---------------------------------------------------------------------------------------------------------------
// Programs, as machine_code.py writes them, with a line for each instruction.

std::istream& operator>>(std::istream& in, Operand& o) {
  int kind;
  in >> kind >> o.index >> o.bits >> o.high >> o.sign_extended >> o.negative >> o.absolute >> o.value;
  o.kind = Operand::Kind(kind);
  return in;
}

std::istream& operator>>(std::istream& in, Instruction& i) {
  std::string condition;
  size_t listed, operands;
  in >> i.name >> condition >> i.shift >> i.bytes >> i.target >> listed >> operands;
  i.list.resize(listed), i.o.resize(operands);
  for (auto operand : {&i.list, &i.o}) {
    for (auto& o : *operand) {
      in >> o;
    }
  }
  i.condition = condition == "-" ? nullptr : conditions.at(condition);
  i.definition = &table.at(i.name);
  if (operands != i.definition->operands) {
    throw std::out_of_range("operands");
  }
  return in;
}

struct Program {
  std::vector<Instruction> instructions;

  explicit Program(std::istream&& lines) {
    for (std::string line; std::getline(lines, line);) {
      std::istringstream stream(line);
      try {
        stream >> instructions.emplace_back();
      } catch (std::out_of_range&) {
        throw std::runtime_error("unknown instruction " + line);
      }
    }
  }

  void run(Group& g) const {
    size_t most = 10'000'000;
    for (g.at = 0; g.at < instructions.size();) {
      if (most-- == 0) {
        std::fprintf(stderr, "[machine] a kernel that does not end, near instruction %zu\n", g.at);
        std::_Exit(1);
      }
      auto& i = instructions[g.at++];
      i.issued++;
      i.definition->run(g, i);
    }
  }
};

struct Slot { // a buffer of a kernel, in the order of its parameters; a negative index ends the list
  int index, size, alignment;
};

struct Kernel {
  std::string name;
  Program main, preamble;      // one thread executes the preamble, which sets the uniforms for all
  std::set<size_t> parameters; // the positions of the parameters that it uses
};

std::vector<std::unique_ptr<Kernel>> loaded;

} // namespace

extern "C" {

// Loads a kernel's programs from `path`.main and `path`.preamble, which the command `build` writes at its first launch.
const Kernel* machine_load(const char* name, const char* path, const char* build) {
  auto main = std::string(path) + ".main", preamble = std::string(path) + ".preamble";
  try {
    if (!std::ifstream(main) && std::system(build)) {
      throw std::runtime_error("does not build");
    }
    std::ifstream places(std::string(path) + ".parameters");
    return loaded
        .emplace_back(new Kernel{name,
                                 Program(std::ifstream(main)),
                                 Program(std::ifstream(preamble)),
                                 {std::istream_iterator<size_t>(places), {}}})
        .get();
  } catch (std::exception& error) { // must not look like a fault that was caught
    std::fprintf(stderr, "[machine] %s: %s\n", name, error.what());
    std::_Exit(86);
  }
}

// Runs threads `first` to `last` of a grid, whose width is the low half of `grid` and whose height is the high half.
void machine_run(
    const Kernel* k, const Slot* slots, const uint64_t* buffers, uint64_t grid, uint64_t first, uint64_t last) {
  std::vector<uint64_t> arguments; // the used ones, laid out as in OpenCL; uniforms 0 and 1 point to them
  size_t place = 0;
  for (; slots->index >= 0; slots++, place++) {
    if (k->parameters.count(place)) {
      arguments.push_back(buffers[slots->index]);
    }
  }
  arguments.push_back(k->parameters.count(place) ? grid : grid >> 32);
  std::vector<uint32_t> uniforms(512);
  uniforms[0] = uint32_t(uint64_t(arguments.data())), uniforms[1] = uint64_t(arguments.data()) >> 32;

  pages.clear();
  L lane;
  for (int i = 0; i < 32; i++) {
    lane[i] = i;
  }
  Group preparing(convert<uint32_t>(lane == 0), uniforms);
  k->preamble.run(preparing);
  for (; first < last; first += 32) {
    L thread = lane + first;
    Group g(convert<uint32_t>(thread < last), uniforms);
    g.r[256] = convert<uint32_t>(thread % uint32_t(grid)), g.r[257] = convert<uint32_t>(thread / uint32_t(grid));
    k->main.run(g);
  }
}

#define EXPORT __attribute__((visibility("default")))

// Runs a program on 256 registers of 32 lanes. Returns what is wrong with it, or "".
EXPORT const char* machine_try(const char* text, uint32_t* registers) {
  static std::string error;
  error = "";
  try {
    std::vector<uint32_t> uniforms(512);
    Group g(~U(0), uniforms);
    std::memcpy(g.r, registers, 256 * sizeof(U));
    Program(std::istringstream(text)).run(g);
    std::memcpy(registers, g.r, 256 * sizeof(U));
  } catch (std::exception& e) {
    error = e.what();
  }
  return error.c_str();
}

// Returns each instruction since the last call: its kernel, its name and how many SIMD groups issued it.
EXPORT const char* machine_counts() {
  static std::string taken;
  taken = "";
  for (auto& k : loaded) {
    for (auto& i : k->main.instructions) {
      if (i.issued) {
        taken += k->name + " " + i.name + " " + std::to_string(std::exchange(i.issued, 0)) + "\n";
      }
    }
  }
  return taken.c_str();
}

} // extern "C"
