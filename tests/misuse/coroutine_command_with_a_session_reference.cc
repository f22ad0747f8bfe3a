// SPDX-License-Identifier: GPL-2.0-or-later
// expected: a co_command handler is a Task<Result<R>>(Arguments, [std::shared_ptr<Session>,] Answer<R>)
#include "qomio/iothread/co_command.h"
#include "qomio/qapi/command_registry.h"

qomio::Task<qomio::Result<int>> count(int, qomio::Session&, qomio::Answer<int>) { co_return 1; }
void offer(qomio::CommandRegistry& commands) { commands.add(qomio::co_command("count", "counts", count)); }
