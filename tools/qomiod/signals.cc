// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomiod/signals.h"

#include <array>
#include <csignal>

namespace qomiod {
namespace {

void ignore(int signal) {
  // A handler, since exec() puts its default back; what is ignored would be ignored in other programs, too.
  struct sigaction action{};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  (void)::sigaction(signal, &action, nullptr);
}

}  // namespace

void set_up_signals() {
  // SIGPIPE, SIGXFSZ: the call that could not write returns an error as well.
  constexpr std::array kIgnored{SIGPIPE, SIGXFSZ,   SIGUSR1, SIGUSR2, SIGALRM,
                                SIGIO,   SIGVTALRM, SIGPROF, SIGPWR,  SIGSTKFLT};
  for (const int signal : kIgnored) ignore(signal);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) ignore(signal);
}

}  // namespace qomiod
