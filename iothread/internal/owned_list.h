// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <utility>

#include "qomio/iothread/aio_context.h"

namespace qomio::internal {

// The objects that a loop owns until it ends: AioContext::free_at_end(). Thread: the home thread.
class OwnedList {
 public:
  OwnedList() = default;
  OwnedList(const OwnedList&) = delete;
  OwnedList& operator=(const OwnedList&) = delete;

  bool empty() const { return first_ == nullptr; }
  void add(LoopOwned& owned) {
    owned.next_ = std::exchange(first_, &owned);
    owned.place_ = &first_;
    if (owned.next_) owned.next_->place_ = &owned.next_;
  }
  static void destroy(LoopOwned& owned) { owned.destroy(); }
  void destroy_all() {
    while (first_) {
      LoopOwned& owned = *first_;
      owned.take_back();
      owned.destroy();
    }
  }

 private:
  LoopOwned* first_ = nullptr;
};

}  // namespace qomio::internal
