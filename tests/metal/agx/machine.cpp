// Executes Apple GPU machine code (G13: M1, M2) as Mesa's disassembler prints it, a SIMD group of 32 threads at a time.
// Instructions are the table below; what is not in it, or has other operands, is an error.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "machine.h"

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

// The hardware flushes float32 subnormals; MLXS_AGX_SUBNORMALS=kept does not. MLXS_AGX_RCP is an error, in units of the
// last place, for every reciprocal.
const bool kept = std::getenv("MLXS_AGX_SUBNORMALS");
const uint32_t rcp_error = std::getenv("MLXS_AGX_RCP") ? std::atoi(std::getenv("MLXS_AGX_RCP")) : 0;

F flushed(F x) {
  U b = as<U>(x);
  return kept ? x : as<F>((b & 0x7f800000) == 0 ? b & 0x80000000 : b);
}

struct Operand {
  enum Kind { Register, Uniform, Integer, Real, X, Y } kind = Integer;
  int index = 0, bits = 32;
  bool high = false, sign_extended = false, negative = false, absolute = false;
  int64_t integer = 0;
  float real = 0;
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
  std::vector<Operand> o, list; // the list: registers loaded or stored, one after another
  Condition condition = nullptr;
  int shift = 0, bytes = 0;
  size_t target = 0; // of a jump
  mutable uint64_t issued = 0;
};

struct Group { // the state of 32 threads
  U r[256] = {}, x = {}, y = {};
  U alive, active;
  std::vector<uint32_t>& u; // uniforms
  size_t at = 0;            // the next instruction
  char stack[32][1024];

  explicit Group(U threads, std::vector<uint32_t>& uniforms) : alive(threads), active(threads), u(uniforms) {}

  U word(const Operand& o, int i) const { return o.kind == Operand::Register ? r[o.index + i] : U(u[o.index + i]); }

  L bits(const Operand& o) const {
    switch (o.kind) {
      case Operand::Integer:
        return L(uint64_t(o.integer));
      case Operand::Real:
        return L(as<uint32_t>(o.real));
      case Operand::X:
        return convert<uint64_t>(x);
      case Operand::Y:
        return convert<uint64_t>(y);
      default:
        U w = word(o, 0);
        if (o.bits == 64) {
          return convert<uint64_t>(w) | convert<uint64_t>(word(o, 1)) << 32;
        }
        return convert<uint64_t>(o.bits == 32 ? w : o.high ? w >> 16 : w & 0xffff);
    }
  }

  I extended(const Operand& o) const { // its sign
    int unused = o.kind <= Operand::Uniform ? 64 - o.bits : 0;
    return as<I>(bits(o) << unused) >> unused;
  }

  I integer(const Operand& o) const { return o.sign_extended ? extended(o) : as<I>(bits(o)); }

  F real(const Operand& o) const {
    F f;
    if (o.kind == Operand::Integer) {
      f = F(o.integer);
    } else if (o.bits == 16) {
      f = convert<float>(as<Lanes<_Float16>>(convert<uint16_t>(bits(o))));
    } else {
      f = flushed(as<F>(convert<uint32_t>(bits(o))));
    }
    f = o.absolute ? __builtin_elementwise_abs(f) : f;
    return o.negative ? -f : f;
  }

  void put(const Operand& o, L value) {
    for (int i = 0; i < (o.bits == 64 ? 2 : 1); i++) {
      U old = word(o, i), now = convert<uint32_t>(value >> (32 * i));
      if (o.bits == 16) {
        now = o.high ? (old & 0xffff) | now << 16 : (old & 0xffff0000) | (now & 0xffff);
      }
      if (o.kind == Operand::Uniform) { // in a preamble, which one thread executes
        u[o.index + i] = now[0];
      } else {
        r[o.index + i] = active != 0 ? now : old;
      }
    }
  }

  void put(const Operand& o, F value) {
    value = flushed(value);
    put(o, o.bits == 16 ? convert<uint64_t>(as<Lanes<uint16_t>>(convert<_Float16>(value))) : convert<uint64_t>(as<U>(value)));
  }

  U nesting() const { return r[0] & 0xffff; } // r0l: how many blocks a thread is out of execution

  void nest(U n) {
    r[0] = (r[0] & 0xffff0000) | n;
    active = alive & as<U>(n == 0);
  }

  bool any() const { return __builtin_reduce_or(active); }

  // Of each thread, where its registers of the list lie in memory.
  template <typename Move>
  void memory(const Instruction& i, bool stacked, Move move) {
    L base = stacked ? L(0) : bits(i.o[0]), offset = as<L>(integer(i.o[stacked ? 0 : 1]) << i.shift);
    for (int lane = 0; lane < 32; lane++) {
      char* p = stacked ? stack[lane] + offset[lane] : reinterpret_cast<char*>(base[lane] + offset[lane] * i.bytes);
      if (!stacked && active[lane] && size_t(p) % i.bytes) {
        throw std::runtime_error("an address that is not aligned");
      }
      for (size_t k = 0; active[lane] && k < i.list.size(); k++) {
        move(i.list[k], lane, p + k * i.bytes, i.bytes);
      }
    }
  }

  void load(const Instruction& i, bool stacked) {
    std::vector<L> values(i.list.size());
    memory(i, stacked, [&](const Operand& o, int lane, char* p, int bytes) {
      uint64_t value = 0;
      std::memcpy(&value, p, bytes);
      values[&o - i.list.data()][lane] = value;
    });
    for (size_t k = 0; k < i.list.size(); k++) {
      put(i.list[k], values[k]);
    }
  }

  void store(const Instruction& i, bool stacked) {
    memory(i, stacked, [&](const Operand& o, int lane, char* p, int bytes) {
      uint64_t value = bits(o)[lane];
      std::memcpy(p, &value, bytes);
    });
  }
};

U highest_bit(U x) { // -1 where there is none
  for (int i = 0; i < 32; i++) {
    x[i] = x[i] ? 31 - __builtin_clz(x[i]) : -1;
  }
  return x;
}

L truncated(F x, double least, double most) { // NaN is 0
  L y;
  for (int i = 0; i < 32; i++) {
    y[i] = uint64_t(int64_t(x[i] != x[i] ? 0.0 : std::min(std::max(double(x[i]), least), most)));
  }
  return y;
}

F power_of_two(F x, U active) { // of whole numbers: of others the hardware's last bit is not known
  for (int i = 0; i < 32; i++) {
    if (active[i] && x[i] != std::trunc(x[i])) {
      throw std::runtime_error("exp2 of what is not whole");
    }
    x[i] = std::exp2(x[i]);
  }
  return x;
}

L shifted_left(L a, L by) {
  return (by & 127) < 64 ? a << (by & 63) : L(0);
}
L shifted_right(L a, L by) {
  return (by & 127) < 64 ? a >> (by & 63) : L(0);
}
L lowest(L bits) { // a mask; 0 stands for all 32
  return bits == 0 ? L(0xffffffff) : (L(1) << bits) - 1;
}
void nothing(const Operand& o) {
  if (o.integer) {
    throw std::runtime_error("an unknown operand");
  }
}

#define DEFINE(operands, ...) {operands, [](Group & g, const Instruction& i) { __VA_ARGS__; }}
#define SOURCES(type, get, n)                                                                            \
  [[maybe_unused]] type a = g.get(i.o[1]), b = n > 1 ? g.get(i.o[2]) : a, c = n > 2 ? g.get(i.o[3]) : a; \
  [[maybe_unused]] type d = n > 3 ? g.get(i.o[4]) : a
#define BITS(n, value) DEFINE(n + 1, SOURCES(L, bits, n); g.put(i.o[0], L(value)))
#define INTEGER(n, value) DEFINE(n + 1, SOURCES(I, integer, n); g.put(i.o[0], as<L>(I(value))))
#define REAL(n, value) DEFINE(n + 1, SOURCES(F, real, n); g.put(i.o[0], F(value)))
#define FROM_INTEGER(type) DEFINE(2, g.put(i.o[0], convert<float>(convert<type>(g.bits(i.o[1])))))
#define NESTING(n, value)                                                                     \
  DEFINE(n, U v = g.nesting(), levels = U(i.o[n - 1].integer);                                \
         [[maybe_unused]] U unmet = n > 1 ? U(i.condition(g, i.o[0], i.o[1]) == 0) & 1 : v;   \
         g.nest(U(value)))

// clang-format off
const std::map<std::string, Definition> table = {
    {"fadd", REAL(2, a + b)},
    {"fmul", REAL(2, a * b)},
    {"ffma", REAL(3, __builtin_elementwise_fma(a, b, c))},
    {"trunc", REAL(1, __builtin_elementwise_trunc(a))},
    {"rcp", REAL(1, as<F>(as<U>(1.0f / a) + rcp_error))},
    {"exp2", REAL(1, power_of_two(a, g.active))},
    {"u8_to_f", FROM_INTEGER(uint8_t)},
    {"u16_to_f", FROM_INTEGER(uint16_t)},
    {"u32_to_f", FROM_INTEGER(uint32_t)},
    {"s8_to_f", FROM_INTEGER(int8_t)},
    {"s16_to_f", FROM_INTEGER(int16_t)},
    {"s32_to_f", FROM_INTEGER(int32_t)},
    {"f_to_u32", DEFINE(2, g.put(i.o[0], truncated(g.real(i.o[1]), 0.0, 4294967295.0)))},
    {"f_to_s32", DEFINE(2, g.put(i.o[0], truncated(g.real(i.o[1]), -2147483648.0, 2147483647.0)))},
    {"mov", BITS(1, a)},
    {"ldimm", BITS(1, a)},
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
    {"load", DEFINE(2, g.load(i, false))},
    {"store", DEFINE(2, g.store(i, false))},
    {"stack_load", DEFINE(1, g.load(i, true))},
    {"stack_store", DEFINE(1, g.store(i, true))},
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
    {"ulte", CONDITION(L, bits, a <= b)},
    {"ugte", CONDITION(L, bits, a >= b)},
    {"slt", CONDITION(I, extended, a < b)},
    {"sgt", CONDITION(I, extended, a > b)},
    {"slte", CONDITION(I, extended, a <= b)},
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
// The text: `  1c: 9e0b842128000000  imul  $dr2, u2, ^r1.sx, lsl 2`. ($ and ^ are hints about a register's last use.)

using Error = std::runtime_error;

bool parse_operand(const std::string& text, Operand& o) {
  static const std::regex file("[$^]?(d?)([ru])(\\d+)([lh]?)((?:\\.(?:sx|neg|abs))*)"), number("-?\\d+(\\.\\d+)?");
  std::smatch m;
  if (std::regex_match(text, m, file)) {
    auto with = [&](const char* modifier) { return m[5].str().find(modifier) != std::string::npos; };
    o.kind = m[2] == "r" ? Operand::Register : Operand::Uniform;
    o.index = std::stoi(m[3]);
    o.bits = m[1].length() ? 64 : m[4].length() ? 16 : 32;
    o.high = m[4] == "h";
    o.sign_extended = with("sx"), o.negative = with("neg"), o.absolute = with("abs");
  } else if (std::regex_match(text, m, number)) {
    o.kind = m[1].length() ? Operand::Real : Operand::Integer;
    o.integer = std::stoll(text), o.real = std::stof(text);
    if (o.real * 16 != std::trunc(o.real * 16)) { // printed with six digits
      throw Error("an inexact immediate");
    }
  } else if (text == "thread_in_grid_x" || text == "thread_in_grid_y") {
    o.kind = text.back() == 'x' ? Operand::X : Operand::Y;
  } else {
    return false;
  }
  return true;
}

bool parse(const std::string& text, Operand& o) { // of few different ones in hundreds of thousands of lines
  static std::map<std::string, std::pair<bool, Operand>> known;
  auto found = known.find(text);
  if (found == known.end()) {
    Operand parsed;
    bool good = parse_operand(text, parsed);
    found = known.insert({text, {good, parsed}}).first;
  }
  o = found->second.second;
  return found->second.first;
}

void parse_word(const std::string& word, Instruction& i) {
  static const std::map<std::string, int> ignored = {{"x", 1}, {"xy", 2}, {"xyz", 3}, {"xyzw", 4}, {"a", 0}, {"b", 0}};
  bool rounding = word == (i.name[0] == 'f' ? "rtz" : "rte");
  Operand o;
  if (parse(word, o)) {
    i.o.push_back(o);
  } else if (word.rfind("lsl ", 0) == 0) {
    i.shift = std::stoi(word.substr(4));
  } else if (word == "i8" || word == "i16" || word == "i32") {
    i.bytes = std::stoi(word.substr(1)) / 8;
  } else if (auto found = conditions.find(word); found != conditions.end()) {
    i.condition = found->second;
  } else if (!ignored.count(word) && !(rounding && i.name.find("_to_") != std::string::npos)) {
    throw Error("unknown word " + word);
  }
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream >> std::ws, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

Instruction parse(const std::string& name, std::string rest) {
  auto found = table.find(name);
  if (found == table.end()) {
    throw Error("unknown instruction");
  }
  Instruction i{name, &found->second, {}, {}};
  auto words = split(rest, ',');
  if (name.find("load") != std::string::npos || name.find("store") != std::string::npos) {
    for (auto& part : split(words.at(0), '_')) {
      parse(part, i.list.emplace_back());
    }
    words.erase(words.begin());
  }
  for (auto& word : words) {
    parse_word(word, i);
  }
  if (i.o.size() != i.definition->operands) {
    throw Error(std::to_string(i.o.size()) + " operands");
  }
  return i;
}

struct Program {
  std::vector<Instruction> instructions;

  explicit Program(const std::string& text) {
    std::map<long, size_t> at; // an address's instruction
    std::vector<long> addresses;
    for (auto& line : split(text, '\n')) {
      std::istringstream stream(line);
      std::string address, code, name, rest;
      std::getline(stream >> address >> code >> name, rest);
      try {
        addresses.push_back(std::stol(address, nullptr, 16));
        at[addresses.back()] = instructions.size();
        instructions.push_back(parse(name, rest));
      } catch (std::exception& error) {
        throw Error(std::string(error.what()) + " in " + line);
      }
    }
    for (size_t k = 0; k < instructions.size(); k++) {
      if (instructions[k].name.rfind("jmp", 0) == 0) {
        auto to = at.find(addresses[k] + instructions[k].o[0].integer);
        if (to == at.end()) {
          throw Error("a jump to no instruction");
        }
        instructions[k].target = to->second;
      }
    }
  }

  void run(Group& g) const {
    for (g.at = 0; g.at < instructions.size();) {
      auto& i = instructions[g.at++];
      i.issued++;
      i.definition->run(g, i);
    }
  }
};

} // namespace

struct Programs {
  std::string name;
  Program preamble, main;
};

static std::vector<std::shared_ptr<Programs>> loaded;

static std::shared_ptr<Programs> load(const std::string& name, const std::string& path, const std::string& build) {
  if (!std::ifstream(path) && std::system((build + " " + name).c_str())) {
    throw Error("does not build");
  }
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  auto end = text.str().find("\n\n"); // of the main program; the preamble follows
  return loaded.emplace_back(new Programs{name, Program(text.str().substr(end)), Program(text.str().substr(0, end))});
}

Kernel::Kernel(const std::string& name, const std::string& folder, const std::string& build, const Slot* slots)
    : slots_(slots) {
  try {
    programs_ = load(name, folder + "/" + name + ".code", build);
  } catch (std::exception& error) { // no result, and so nothing that a test may take for a fault caught
    std::fprintf(stderr, "[machine] %s: %s\n", name.c_str(), error.what());
    std::_Exit(86);
  }
}

void Kernel::run(const uint64_t* buffers, uint32_t width, uint32_t height, uint64_t first, uint64_t last) const {
  uint64_t arguments[64]; // as OpenCL lays them out; uniforms 0 and 1 point to them
  int count = 0;
  for (auto slot = slots_; slot->index >= 0; slot++) {
    arguments[count++] = buffers[slot->index];
  }
  arguments[count] = width | uint64_t(height) << 32;
  std::vector<uint32_t> uniforms(512);
  uniforms[0] = uint32_t(uint64_t(arguments)), uniforms[1] = uint64_t(arguments) >> 32;

  L lane;
  for (int i = 0; i < 32; i++) {
    lane[i] = i;
  }
  Group preparing(convert<uint32_t>(lane == 0), uniforms);
  programs_->preamble.run(preparing);
  for (; first < last; first += 32) {
    L thread = lane + first;
    Group g(convert<uint32_t>(thread < last), uniforms);
    g.x = convert<uint32_t>(thread % width), g.y = convert<uint32_t>(thread / width);
    programs_->main.run(g);
  }
}

extern "C" {

#define EXPORT __attribute__((visibility("default")))

// Runs a program on registers, all 256 of 32 lanes, where there are any. What is wrong with it, or nothing.
EXPORT const char* machine_try(const char* text, uint32_t* registers) {
  static std::string error;
  error = "";
  try {
    Program program(text);
    if (registers) {
      std::vector<uint32_t> uniforms(512);
      Group g(~U(0), uniforms);
      std::memcpy(g.r, registers, sizeof g.r);
      program.run(g);
      std::memcpy(registers, g.r, sizeof g.r);
    }
  } catch (std::exception& e) {
    error = e.what();
  }
  return error.c_str();
}

// Since the last call: for each kernel a line with the number of SIMD groups that issued each kind of instruction.
EXPORT const char* machine_counts() {
  static std::string taken;
  taken = "";
  for (auto& k : loaded) {
    std::map<std::string, uint64_t> issued;
    for (auto& i : k->main.instructions) {
      issued[i.name] += std::exchange(i.issued, 0);
    }
    taken += k->name;
    for (auto& [name, count] : issued) {
      taken += " " + name + " " + std::to_string(count);
    }
    taken += "\n";
  }
  return taken.c_str();
}

} // extern "C"
