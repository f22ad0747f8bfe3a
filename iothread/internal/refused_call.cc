// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/refused_call.h"

#include <glib.h>

namespace qomio::internal {

void RefusedCall::report(int error) {
  if (reported_.exchange(true, std::memory_order_relaxed)) return;
  g_message("The system call %s is refused (%s), so %s is used", call_, g_strerror(error), instead_);
}

}  // namespace qomio::internal
