// SPDX-License-Identifier: GPL-2.0-or-later
// expected: the data of a session is a type with a default constructor
#include "qomio/qapi/session.h"

struct Login {
  explicit Login(int user);
};
void log_in(qomio::Session& session) { (void)session.data<Login>(); }
