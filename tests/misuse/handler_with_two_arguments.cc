// SPDX-License-Identifier: GPL-2.0-or-later
// expected: a command handler is a Result<R>([Arguments,] [Session&]) or a void([Arguments,] [Session&,]
// Answer<R>)
#include "qomio/qapi/command_registry.h"

void offer(qomio::CommandRegistry& commands) {
  commands.add(qomio::command("add", "adds", [](int a, int b) { return a + b; }));
}
