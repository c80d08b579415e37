// A kernel in machine code, as the emulated device calls it.
#pragma once
#include <cstdint>
#include <memory>

struct Slot { // one of its buffers, in the order of its parameters; a negative index ends the list
  int index, size, alignment;
};

class Kernel {
 public:
  // A preamble, which one thread executes for all to fill in the uniforms, and the main program.
  Kernel(const char* name, const char* preamble, const char* main, const Slot* slots);
  // Threads `first` to `last` of the grid.
  void run(const uint64_t* buffers, uint32_t width, uint32_t height, uint64_t first, uint64_t last) const;

 private:
  const Slot* slots_;
  std::shared_ptr<struct Programs> programs_;
};
