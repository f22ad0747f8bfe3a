// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "qomio/qapi/error.h"

namespace qomio {

// A descriptor that can be made readable from any thread: how a sleeping loop is woken.
// Owns the descriptor. Moving is for start-up only: nobody may be signalling meanwhile.
class EventNotifier {
 public:
  // Errors: "Failed to initialize event notifier: <reason>".
  static Result<EventNotifier> create();

  EventNotifier(EventNotifier&& other) noexcept;
  EventNotifier& operator=(EventNotifier&& other) noexcept;
  ~EventNotifier();

  // Thread-safe. Makes the descriptor readable; any number of signals before it is cleared count as one.
  void signal();

  // Thread-safe. True when it had been signalled since the last call.
  bool test_and_clear();

  int fd() const { return fd_; }

 private:
  explicit EventNotifier(int fd) : fd_(fd) {}

  int fd_ = -1;
};

}  // namespace qomio
