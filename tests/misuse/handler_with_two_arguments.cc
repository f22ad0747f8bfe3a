// SPDX-License-Identifier: GPL-2.0-or-later
// expected: a command handler is a Result<R>(), Result<R>(Arguments), void(Answer<R>) or void(Arguments,
// Answer<R>)
#include "qomio/qapi/interface.h"

void offer(qomio::Interface& interface) {
  interface.add(qomio::command("add", "adds", [](int a, int b) { return a + b; }));
}
