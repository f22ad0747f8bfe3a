// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "qomio/qapi/file_descriptor.h"

namespace qomiod {

// Sends notifications to the service manager: datagrams to the socket that NOTIFY_SOCKET names, by a path or,
// after a '@', an abstract name. Unlike sd_notify(), never waits for the manager to read them. Sends nothing
// if the variable is not set.
//
// Thread: the main thread. A source of the default GMainContext waits for room.
class NotifySocket {
 public:
  NotifySocket();
  ~NotifySocket();
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  // Sends a state such as "READY=1". If there is no room, it is sent later, in order.
  void send(std::string state);
  // Sends a state that is repeated anyway, such as "WATCHDOG=1". If it cannot be sent now, it is dropped and
  // counted. The count is logged after the next state that is sent.
  void send_or_drop(const std::string& state);

 private:
  bool connect() const;
  int try_send(const std::string& state) const;
  void send_waiting();
  void report_dropped();
  void watch_for_room();

  std::string address_;  // as in sockaddr_un; empty: nothing is sent
  qomio::FileDescriptor socket_;
  std::deque<std::string> waiting_;
  std::uint64_t dropped_ = 0;
  unsigned watch_ = 0;  // a source of the default context
};

}  // namespace qomiod
