// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>

namespace qomio::internal {

// Records whether a loop has ended, and counts the owners of its memory, since a Timer may be destroyed after
// its loop has ended.
// Thread-safe.
class LoopLifetime {
 public:
  LoopLifetime() = default;
  LoopLifetime(const LoopLifetime&) = delete;
  LoopLifetime& operator=(const LoopLifetime&) = delete;

  bool is_closed() const { return closed_.load(std::memory_order_seq_cst); }
  void set_closed() { closed_.store(true, std::memory_order_seq_cst); }

  void keep() { keepers_.fetch_add(1, std::memory_order_relaxed); }
  // The last call deletes the loop.
  void let_go() {
    if (keepers_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 protected:
  virtual ~LoopLifetime() = default;

 private:
  std::atomic<bool> closed_ = false;
  std::atomic<std::uint32_t> keepers_ = 1;  // one for all Refs together, one for each Timer
};

}  // namespace qomio::internal
