// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>

#include "qomio/qapi/error.h"

namespace qomio {

// The callbacks of a loop for one descriptor. Empty members are not called; if all are empty, the loop stops
// watching the descriptor. An error or a hang-up of the descriptor calls both read and write. Remove the
// handlers before closing the descriptor: otherwise the loop stops calling them once it notices, and logs a
// warning.
struct FdHandlers {
  std::function<void()> read = {};
  std::function<void()> write = {};

  // For busy polling. poll returns, without blocking, whether there is work (a flag in memory, a read that
  // would not block); if so, poll_ready does it. A poll without poll_ready is ignored.
  std::function<bool()> poll = {};
  std::function<void()> poll_ready = {};
  // Called in pairs, when busy polling begins and ends; in between, the producer need not signal the
  // descriptor.
  std::function<void()> poll_begin = {};
  std::function<void()> poll_end = {};
};

enum class FdDirection { read, write };

// A descriptor that any thread can make readable, to wake a sleeping loop.
// Owns the descriptor. Move it only during start-up: no thread may be signalling it meanwhile.
class EventNotifier {
 public:
  // Errors: "Failed to initialize event notifier: <reason>".
  static Result<EventNotifier> create();

  EventNotifier(EventNotifier&& other) noexcept;
  EventNotifier& operator=(EventNotifier&& other) noexcept;
  ~EventNotifier();

  // Thread-safe. Makes the descriptor readable. All signals before the next test_and_clear() count as one.
  void signal();

  // Thread-safe. Returns true if it has been signalled since the last call.
  bool test_and_clear();

  int fd() const { return fd_; }

 private:
  explicit EventNotifier(int fd) : fd_(fd) {}

  int fd_ = -1;
};

}  // namespace qomio
