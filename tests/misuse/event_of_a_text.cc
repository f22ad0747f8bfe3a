// SPDX-License-Identifier: GPL-2.0-or-later
// expected: the data of an event is a described struct
#include "qomio/qapi/command_registry.h"

void offer(qomio::CommandRegistry& commands) {
  commands.add(qomio::event<std::string>("SPOKEN", "somebody spoke"));
}
