// Memory for Times, with an entry for each entry of each column; and functions that repeat entries for several rows.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>

#include "cpu/columns.h"

namespace mlx_schedules::cpu {

// One allocation, no larger than needed and not cleared, because a call with one step may have thousands of columns.
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

// Repeats the first n numbers until there are `total`.
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
