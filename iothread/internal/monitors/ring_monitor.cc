// SPDX-License-Identifier: GPL-2.0-or-later
// Watches the descriptors of a loop with io_uring. Each has a request that completes once, when the
// descriptor is ready. A request made while it is still ready completes at once, which makes the monitor
// level-triggered. New requests are submitted together with the next wait, in the same system call.
#include <liburing.h>

#include <bit>
#include <cerrno>
#include <memory>
#include <utility>

#include "qomio/iothread/internal/monitors/fd_monitor.h"
#include "qomio/iothread/internal/uring.h"

namespace qomio {

namespace {

// The user data of a completion: bit 0 distinguishes descriptors, for which it is set, from pointers to other
// requests.
std::uint64_t to_user_data(int fd, std::uint32_t serial) {
  return std::uint64_t{serial} << 32 | static_cast<std::uint64_t>(fd) << 1 | 1;
}
int fd_of(std::uint64_t user_data) { return static_cast<int>(user_data >> 1 & 0x7fffffff); }
std::uint32_t serial_of(std::uint64_t user_data) { return static_cast<std::uint32_t>(user_data >> 32); }

// Bit 0 alone: the completion of a cancellation, which is ignored.
constexpr std::uint64_t kIgnored = 1;

}  // namespace

internal::Uring* FdMonitor::uring() {
  if (!ring_ && !ring_refused_) {
    std::unique_ptr<internal::Uring> ring = internal::Uring::create();
    ring_refused_ = !ring;
    if (!ring) return nullptr;
    make_room(ring->fd());
    ring_ = std::move(ring);
    watch(ring_fd_ = ring_->fd(), POLLIN);
  }
  return ring_.get();
}

int FdMonitor::descriptor() {
  if (kind_ == FdMonitorKind::io_uring) {
    if (ring_arm() && ring_->submit()) return ring_->fd();
    leave_ring();
  }
  return kind_ == FdMonitorKind::epoll ? epoll_fd_ : -1;
}

bool FdMonitor::has_completions() const { return ring_ && ring_->has_completions(); }

void FdMonitor::wait_completions() {
  // At worst the kernel refuses for the moment, and the caller calls again.
  (void)ring_->submit_and_wait(-1);
  ring_take(nullptr);
}

bool FdMonitor::nothing_new() {
  if (kind_ == FdMonitorKind::poll && !epoll_refused_) try_epoll();
  if (kind_ != FdMonitorKind::io_uring) return false;
  if (!to_arm_.empty() && !(ring_arm() && ring_->submit())) return false;
  return !ring_->has_completions();
}

// Returns false if the kernel refuses.
bool FdMonitor::ring_arm() {
  for (const int fd : to_arm_) {
    const std::uint32_t position = position_of(fd);
    io_uring_sqe* const entry = ring_->next_entry();
    if (!entry) return false;
    Registration& poll = registrations_[position];
    // Serial 0 with descriptor 0 would equal kIgnored.
    if (++next_serial_ == 0) ++next_serial_;
    poll = {.serial = next_serial_, .armed = true};
    ::io_uring_prep_poll_add(entry, fd, static_cast<unsigned>(interests_[position].events));
    ::io_uring_sqe_set_data64(entry, to_user_data(fd, poll.serial));
  }
  to_arm_.clear();
  return true;
}

// Submits at once, since closing a descriptor has no effect on the other side while the kernel watches it.
bool FdMonitor::ring_disarm(int fd, Registration& poll) {
  if (!poll.armed) return true;
  poll.armed = false;
  io_uring_sqe* const entry = ring_->next_entry();
  if (!entry) return false;
  ::io_uring_prep_poll_remove(entry, to_user_data(fd, poll.serial));
  ::io_uring_sqe_set_data64(entry, kIgnored);
  return ring_->submit();
}

// ready: null if the caller does not need the ready descriptors; they are requested again.
void FdMonitor::ring_take(std::vector<FdEvent>* ready) {
  std::uint64_t user_data = 0;
  int result = 0;
  bool refused = false;
  while (ring_->take_completion(user_data, result)) {
    if (!(user_data & 1)) {
      std::bit_cast<internal::UringRequest*>(static_cast<std::uintptr_t>(user_data))->completed(result);
      continue;
    }
    const int fd = fd_of(user_data);
    const std::uint32_t position = user_data == kIgnored ? kNowhere : position_of(fd);
    if (position == kNowhere) continue;
    Registration& poll = registrations_[position];
    if (!poll.armed || poll.serial != serial_of(user_data)) continue;
    poll.armed = false;
    to_arm_.push_back(fd);
    if (result == -ECANCELED) continue;  // the thread that made the request has ended
    if (result == -EBADF) result = POLLNVAL;
    // io_uring always reports the other side's shutdown (POLLRDHUP) as well. If nothing reads the descriptor,
    // the request would complete again and again without an event to report, so the monitor leaves the ring:
    // poll and epoll report a shutdown only if requested.
    const int wanted = interests_[position].events | POLLERR | POLLHUP | POLLNVAL;
    if (result < 0 || !(result & wanted)) {
      refused = true;
      continue;
    }
    if (ready) ready->push_back({.fd = fd, .revents = static_cast<short>(result & wanted)});
  }
  if (refused) leave_ring();
}

void FdMonitor::leave_ring() {
  if (kind_ != FdMonitorKind::io_uring) return;
  kind_ = FdMonitorKind::poll;
  ring_refused_ = true;
  ++generation_;
  to_arm_.clear();
  // The ring stays for other requests. Its later completions for descriptors are ignored.
  for (std::size_t i = 0; i < interests_.size(); ++i) (void)ring_disarm(interests_[i].fd, registrations_[i]);
  watch(ring_fd_ = ring_->fd(), POLLIN);
}

}  // namespace qomio
