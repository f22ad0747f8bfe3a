// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/fd_handlers.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "qomio/qapi/internal/invariant.h"

namespace qomio {

Result<EventNotifier> EventNotifier::create() {
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) return errno_error(errno, "Failed to initialize event notifier");
  return EventNotifier(fd);
}

EventNotifier::EventNotifier(EventNotifier&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

EventNotifier& EventNotifier::operator=(EventNotifier&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

EventNotifier::~EventNotifier() {
  if (fd_ >= 0) ::close(fd_);
}

void EventNotifier::signal() {
  const std::uint64_t one = 1;
  while (::write(fd_, &one, sizeof one) < 0) {
    if (errno == EAGAIN) return;  // the counter is full, so the descriptor is readable already
    invariant(errno == EINTR, "an event notifier can always be written to");
  }
}

bool EventNotifier::test_and_clear() {
  std::uint64_t count = 0;
  for (;;) {
    if (::read(fd_, &count, sizeof count) == sizeof count) return true;
    if (errno != EINTR) return false;
  }
}

}  // namespace qomio
