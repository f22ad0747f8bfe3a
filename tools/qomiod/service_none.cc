// SPDX-License-Identifier: GPL-2.0-or-later
// Built without libsystemd.
#include "qomio/tools/qomiod/service.h"

namespace qomiod {

Service::Service() = default;
Service::~Service() = default;
qomio::Result<void> Service::take_sockets(qomio::QmpServer& /*server*/) { return {}; }
void Service::ready() {}

}  // namespace qomiod
