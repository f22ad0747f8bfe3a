// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "qomio/iothread/aio_context.h"

namespace qomio::internal {

// While it lives, the calling thread waits for threads of `joined`: calls that these make of the calling
// thread's loop by run_in() are refused, since the thread that
// runs them is blocked.
class Joining {
 public:
  explicit Joining(const AioContext& joined);
  Joining(const Joining&) = delete;
  Joining& operator=(const Joining&) = delete;
  ~Joining();

 private:
  AioContext* const own_;  // null: the calling thread has none
  const AioContext* outer_ = nullptr;
};

}  // namespace qomio::internal
