// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "qomio/tests/bench/loop/loop.h"

namespace qomio::bench {

Contender epoll_contender();
// The same, but it asks epoll again and again and never blocks. For descriptors only.
Contender spinning_epoll_contender();
Contender spin_contender();
Contender qomio_contender();

// Each is defined only if its library was found at build time.
Contender libuv_contender();
Contender asio_contender();
Contender libevent_contender();
Contender libev_contender();
Contender glib_contender();
Contender sd_event_contender();

}  // namespace qomio::bench
