// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <csignal>

namespace qomio::detail {

// Blocks all signals in the calling thread as long as it lives, for threads made meanwhile to inherit:
// signals are the main thread's.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace qomio::detail
