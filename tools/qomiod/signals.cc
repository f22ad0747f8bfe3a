// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomiod/signals.h"

#include <array>
#include <csignal>

namespace qomiod {
namespace {

void ignore(int signal) {
  // A handler instead of SIG_IGN: exec() resets handlers to the default action, but keeps signals ignored.
  struct sigaction action{};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  (void)::sigaction(signal, &action, nullptr);
}

}  // namespace

void set_up_signals() {
  // SIGPIPE, SIGXFSZ: the failed write returns an error, too.
  constexpr std::array kIgnored{SIGPIPE, SIGXFSZ,   SIGUSR1, SIGUSR2, SIGALRM,
                                SIGIO,   SIGVTALRM, SIGPROF, SIGPWR,  SIGSTKFLT};
  for (const int signal : kIgnored) ignore(signal);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) ignore(signal);
}

}  // namespace qomiod
