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

// The daemon as a service of systemd: takes the sockets that were opened for it, says when it is ready and,
// when the loop is shut down, that it stops, and reports being alive as often as the watchdog wants. Started
// by anything else it does nothing; built without libsystemd it takes no sockets and knows of no watchdog.
//
// Thread: the main thread.
class Service {
 public:
  explicit Service(qomio::MainLoop& main_loop);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Answers QMP on the sockets that were passed. Access to one whose FileDescriptorName= is `read-only` is
  // just that. Errors: one of them is not a Unix stream socket.
  static qomio::Result<void> take_sockets(qomio::QmpServer& server);

  // All is up: says so, and keeps the watchdog quiet from now on.
  void ready();

 private:
  static std::uint64_t watchdog_period_us();  // 0: nobody watches

  NotifySocket manager_;
  std::shared_ptr<void> stopping_;
  unsigned watchdog_ = 0;
};

}  // namespace qomiod
