// SPDX-License-Identifier: GPL-2.0-or-later
// The parts of Service that need libsystemd, for builds without it.
#include "qomio/tools/qomiod/service.h"

namespace qomiod {

qomio::Result<void> Service::take_sockets(qomio::QmpServer& /*server*/) { return {}; }
std::uint64_t Service::watchdog_period_us() { return 0; }

}  // namespace qomiod
