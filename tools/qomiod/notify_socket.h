// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "qomio/qapi/file_descriptor.h"

namespace qomiod {

// What a service manager hears from the daemon: datagrams to the socket that NOTIFY_SOCKET names, a path or,
// after a '@', an abstract name. It never waits for the manager to read them, which sd_notify() would.
// Without that variable nothing is sent.
//
// Thread: the main thread. The default GMainContext is what waits for room.
class NotifySocket {
 public:
  NotifySocket();
  ~NotifySocket();
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  // Sends "READY=1" and its like; one for which there is no room yet is sent later, in order.
  void send(std::string state);
  // Sends what is repeated anyway, "WATCHDOG=1": one for which there is no room is dropped and counted. The
  // count is logged when there is room again.
  void send_or_drop(const std::string& state);

 private:
  bool connect() const;
  int try_send(const std::string& state) const;
  void send_waiting();
  void report_dropped();
  void watch_for_room();

  std::string address_;  // as the kernel wants it; empty: nobody is told
  qomio::FileDescriptor socket_;
  std::deque<std::string> waiting_;
  std::uint64_t dropped_ = 0;
  unsigned watch_ = 0;  // a source of the default context
};

}  // namespace qomiod
