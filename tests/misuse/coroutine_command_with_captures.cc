// SPDX-License-Identifier: GPL-2.0-or-later
// expected: a co_command handler is a function or a lambda without captures
#include "qomio/iothread/co_command.h"
#include "qomio/qapi/command_registry.h"

void offer(qomio::CommandRegistry& commands, int& calls) {
  commands.add(qomio::co_command(
      "count", "counts",
      [&calls](int, qomio::Answer<int>) -> qomio::Task<qomio::Result<int>> { co_return ++calls; }));
}
