// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

#include "qomio/qapi/error.h"

namespace qomio::internal {

// Starts a thread that runs function with all signals blocked, since the main thread handles signals. Errors:
// `Failed to create thread: Resource temporarily unavailable`.
template <class Function>
Result<std::thread> start_thread(Function&& function) {
  struct SignalsBlocked {  // for the new thread to inherit
    sigset_t before;
    SignalsBlocked() {
      sigset_t all;
      ::sigfillset(&all);
      ::pthread_sigmask(SIG_SETMASK, &all, &before);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  };
  try {
    const SignalsBlocked blocked;
    return std::thread(std::forward<Function>(function));
  } catch (const std::system_error& e) {
    return error("Failed to create thread: {}", e.code().message());
  }
}

}  // namespace qomio::internal
