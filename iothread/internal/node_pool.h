// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>

namespace qomio::internal {

// Memory for objects that one thread allocates and another frees, over and over: a poster allocates a queued
// call, and the loop frees it. The general allocator takes longer for that than everything else in a post
// together.
//
// Each thread allocates pieces in order from its own slabs, and reuses a slab when all its pieces have been
// freed. A freeing thread counts the pieces that it frees, and updates a slab's count once for several of
// them. A thread keeps a few slabs, and more while many pieces are in use. When it ends, its slabs live on
// until their last piece is freed.
//
// Thread-safe, without a lock. Any thread may free any piece.
class NodePool {
 public:
  // The size and alignment of a piece: one cache line, so that pieces do not share one.
  static constexpr std::size_t kBytes = 64;

  static void* allocate();
  static void free(void* piece) noexcept;
};

}  // namespace qomio::internal
