// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>

namespace qomio {

// Which allocations of this program fail; see iothread_memory_test.cc. Sanitizers have operators of their
// own, so there nothing fails.

// Of this thread: so many succeed, and then one fails; -1: none fails.
inline constinit thread_local int allocations_to_succeed = -1;
// Of all threads: so many succeed, and then none; -1: none fails.
inline std::atomic<int> allocations_left = -1;
// Pieces of memory that there are.
inline std::atomic<long> pieces_alive = 0;

// As long as it lives, the program gets no memory after so many pieces.
class NoMemoryAfter {
 public:
  explicit NoMemoryAfter(int pieces) { allocations_left = pieces; }
  NoMemoryAfter(const NoMemoryAfter&) = delete;
  NoMemoryAfter& operator=(const NoMemoryAfter&) = delete;
  ~NoMemoryAfter() { allocations_left = -1; }
};

}  // namespace qomio
