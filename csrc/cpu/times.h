// Memory for numbers of steps, a number for each entry of each column; and the same entries for several rows of steps.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>

#include "cpu/columns.h"

namespace mlx_schedules::cpu {

// One piece, as large as it must be and not cleared: a call of one step may meet thousands of columns.
template <typename R>
class TimeMemory {
 public:
  void reserve(size_t n) {
    if (n <= size_) {
      return;
    }
    size_t bytes = 0;
#define MLXS_MEMBER(type, name, place) bytes += n * sizeof(type);
    MLXS_TIME_MEMBERS(MLXS_MEMBER)
#undef MLXS_MEMBER
    memory_.reset(new char[bytes]);
    char* next = memory_.get();
#define MLXS_MEMBER(type, name, place)         \
  first_.name = reinterpret_cast<type*>(next); \
  next += n * sizeof(type);
    MLXS_TIME_MEMBERS(MLXS_MEMBER)
#undef MLXS_MEMBER
    size_ = n;
  }

  Times<R> from(size_t entry) const {
    Times<R> t;
#define MLXS_MEMBER(type, name, place) t.name = first_.name + entry;
    MLXS_TIME_MEMBERS(MLXS_MEMBER)
#undef MLXS_MEMBER
    return t;
  }

 private:
  size_t size_ = 0;
  std::unique_ptr<char[]> memory_;
  Times<R> first_{};
};

// The first n numbers over and over.
template <typename T>
void repeat_entries(T* numbers, int n, int total) {
  for (int more; n < total; n += more) {
    more = std::min(n, total - n);
    std::memcpy(numbers + n, numbers, more * sizeof(T));
  }
}

template <typename R>
void repeat_entries(const Times<R>& t, int n, int total) {
#define MLXS_MEMBER(type, name, place) repeat_entries(t.name, n, total);
  MLXS_TIME_MEMBERS(MLXS_MEMBER)
#undef MLXS_MEMBER
}

template <typename R>
void repeat_entries(ColumnTile<R>& t, int n, int total) {
#define MLXS_MEMBER(type, name, place) repeat_entries(t.name, n, total);
  MLXS_COLUMN_MEMBERS(MLXS_MEMBER)
  MLXS_OFFSET_MEMBERS(MLXS_MEMBER)
#undef MLXS_MEMBER
  repeat_entries(t.whole32, n, total);
  repeat_entries(t.less32, n, total);
}

} // namespace mlx_schedules::cpu
