// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "qomio/qapi/error.h"

namespace qomio {
class QmpServer;
}

namespace qomiod {

// The daemon as a service of systemd: takes the sockets that were opened for it, says when it is ready and,
// at SHUTDOWN, that it stops, and reports being alive as often as the watchdog wants. Started by anything
// else, or built without libsystemd, it does nothing.
//
// Thread: the main thread, inside a MainLoop.
class Service {
 public:
  Service();
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Answers QMP on the sockets that were passed. Access to one whose FileDescriptorName= is `read-only` is
  // just that. Errors: one of them is no Unix stream socket.
  static qomio::Result<void> take_sockets(qomio::QmpServer& server);

  // All is up: says so, and keeps the watchdog quiet from now on.
  void ready();

 private:
  std::shared_ptr<void> shutdown_;
  [[maybe_unused]] unsigned watchdog_ = 0;
};

}  // namespace qomiod
