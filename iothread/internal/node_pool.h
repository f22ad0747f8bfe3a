// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>

namespace qomio::internal {

// Memory for what one thread makes and another frees, again and again: a queued call is made by its poster
// and freed by the loop. The general allocator takes longer for that than all else in a post together.
//
// Each thread takes pieces one after the other from slabs of its own, and uses a slab again when all its
// pieces have come back; who frees counts them, a slab at a time. A thread keeps a few slabs, and more while
// many pieces are out. When it ends, its slabs live on until the last piece is back.
//
// Thread-safe, without a lock. Any thread may free any piece.
class NodePool {
 public:
  // The largest piece, and the alignment of all: a line of the cache, so that pieces don't share one.
  static constexpr std::size_t kBytes = 64;

  static void* allocate();
  static void free(void* piece) noexcept;
};

}  // namespace qomio::internal
