// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "qomio/qapi/error.h"
#include "qomio/tools/qomiod/notify_socket.h"

namespace qomio {
class MainLoop;
class QmpServer;
}  // namespace qomio

namespace qomiod {

// The daemon as a systemd service: serves the sockets that systemd has opened for it, and notifies systemd
// when it is ready, when it stops because the main loop shuts down, and, at half the watchdog's period, that
// it is alive. Does nothing unless systemd started it. Built without libsystemd, it supports neither the
// sockets nor the watchdog.
//
// Thread: the main thread.
class Service {
 public:
  explicit Service(qomio::MainLoop& main_loop);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Serves QMP on the sockets that systemd passes; on one whose FileDescriptorName= is `read-only`, clients
  // have read-only access. Errors: one of them is not a Unix stream socket.
  static qomio::Result<void> take_sockets(qomio::QmpServer& server);

  // Notifies systemd that the daemon is ready, and starts the watchdog notifications.
  void ready();

 private:
  static std::uint64_t watchdog_period_us();  // 0: no watchdog

  NotifySocket manager_;
  std::shared_ptr<void> stopping_;
  unsigned watchdog_ = 0;
};

}  // namespace qomiod
