// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>

namespace qomio {

// Makes allocations of this program fail; see iothread_memory_test.cc. Has no effect under a sanitizer, which
// has its own operators.

// How many allocations of this thread succeed before one fails; -1: none fails.
inline constinit thread_local int allocations_to_succeed = -1;
// How many allocations of all threads succeed before all further ones fail; -1: none fails.
inline std::atomic<int> allocations_left = -1;
// The number of allocations that have not been freed.
inline std::atomic<long> pieces_alive = 0;

// While it exists, `pieces` allocations succeed and all further ones fail.
class NoMemoryAfter {
 public:
  explicit NoMemoryAfter(int pieces) { allocations_left = pieces; }
  NoMemoryAfter(const NoMemoryAfter&) = delete;
  NoMemoryAfter& operator=(const NoMemoryAfter&) = delete;
  ~NoMemoryAfter() { allocations_left = -1; }
};

}  // namespace qomio
