// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "qomio/iothread/aio_context.h"

namespace qomio::internal {

// Exists while the calling thread waits for threads of `joined`. Meanwhile their calls of run_in() on the
// calling thread's loop return false, since its thread is blocked.
class Joining {
 public:
  explicit Joining(const AioContext& joined);
  Joining(const Joining&) = delete;
  Joining& operator=(const Joining&) = delete;
  ~Joining();

 private:
  AioContext* const own_;  // the calling thread's loop; null: it has none
  const AioContext* outer_ = nullptr;
};

}  // namespace qomio::internal
