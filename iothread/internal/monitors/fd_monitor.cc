// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/monitors/fd_monitor.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include "qomio/iothread/internal/refused_call.h"
#include "qomio/iothread/internal/uring.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {

// One set of event bits serves both system calls.
static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP);

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

timespec to_timespec(std::int64_t ns) {
  return {.tv_sec = static_cast<time_t>(ns / kSecondNs), .tv_nsec = static_cast<long>(ns % kSecondNs)};
}

constinit internal::RefusedCall refused_epoll_pwait2("epoll_pwait2", "ppoll");

template <class T>
void reserve_more(std::vector<T>& vector, std::size_t count) {
  if (count > vector.capacity()) vector.reserve(std::max(count, 2 * vector.capacity()));
}

}  // namespace

std::string_view fd_monitor_kind_name(FdMonitorKind kind) {
  switch (kind) {
    case FdMonitorKind::epoll:
      return "epoll";
    case FdMonitorKind::io_uring:
      return "io_uring";
    case FdMonitorKind::poll:
      break;
  }
  return "poll";
}

FdMonitor::FdMonitor(int epoll_fd) : epoll_fd_(epoll_fd) {}

Result<FdMonitor> FdMonitor::create(FdMonitorKind start) {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return errno_error(errno, "Failed to create epoll instance");
  FdMonitor monitor(fd);
  if (start == FdMonitorKind::epoll) monitor.try_epoll();
  if (start == FdMonitorKind::io_uring) {
    monitor.ring_ = internal::Uring::create();
    if (monitor.ring_) {
      monitor.make_room(monitor.ring_->fd());
      monitor.kind_ = FdMonitorKind::io_uring;
    }
    monitor.ring_refused_ = !monitor.ring_;
  }
  return monitor;
}

FdMonitor::FdMonitor(FdMonitor&& other) noexcept
    : epoll_fd_(std::exchange(other.epoll_fd_, -1)),
      kind_(other.kind_),
      epoll_refused_(other.epoll_refused_),
      has_epoll_pwait2_(other.has_epoll_pwait2_),
      ring_refused_(other.ring_refused_),
      generation_(other.generation_),
      ring_(std::move(other.ring_)),
      ring_fd_(other.ring_fd_),
      next_serial_(other.next_serial_),
      interests_(std::move(other.interests_)),
      registrations_(std::move(other.registrations_)),
      to_arm_(std::move(other.to_arm_)),
      positions_(std::move(other.positions_)) {}

FdMonitor::~FdMonitor() {
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
}

// Reserves room in all vectors, so that nothing after it can fail halfway, and for one descriptor more: the
// ring's own, which is watched once the monitor no longer waits with the ring.
void FdMonitor::make_room(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= positions_.size()) positions_.resize(index + 1, kNowhere);
  const std::size_t count = interests_.size() + 2;
  reserve_more(interests_, count);
  reserve_more(registrations_, count);
  reserve_more(to_arm_, count);
}

void FdMonitor::watch(int fd, short events) {
  std::uint32_t position = position_of(fd);
  const bool added = position == kNowhere;
  if (added) {
    if (fd != ring_fd_) make_room(fd);  // for ring_fd_ there is room already
    position = positions_[static_cast<std::size_t>(fd)] = static_cast<std::uint32_t>(interests_.size());
    interests_.push_back({.fd = fd, .events = events, .revents = 0});
    registrations_.emplace_back();
  } else {
    interests_[position].events = events;
  }
  ++generation_;
  if (kind_ == FdMonitorKind::io_uring) {
    Registration& poll = registrations_[position];
    const bool listed = !added && !poll.armed;
    if (!ring_disarm(fd, poll)) return leave_ring();
    if (!listed) to_arm_.push_back(fd);
  } else if (kind_ == FdMonitorKind::epoll) {
    if (!epoll_set(interests_[position], registrations_[position])) leave_epoll();
  } else if (!epoll_refused_ && interests_.size() >= kEpollThreshold) {
    try_epoll();
  }
}

void FdMonitor::unwatch(int fd) {
  const std::uint32_t position = position_of(fd);
  if (position == kNowhere) return;
  ++generation_;
  Registration poll = registrations_[position];
  interests_[position] = interests_.back();
  registrations_[position] = registrations_.back();
  positions_[static_cast<std::size_t>(interests_[position].fd)] = position;
  positions_[static_cast<std::size_t>(fd)] = kNowhere;
  interests_.pop_back();
  registrations_.pop_back();
  if (kind_ == FdMonitorKind::io_uring) {
    std::erase(to_arm_, fd);
    if (!ring_disarm(fd, poll)) leave_ring();
  }
  // Fails if the descriptor is closed already; the kernel has then removed it by itself.
  if (kind_ == FdMonitorKind::epoll) ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
}

namespace {

epoll_event to_epoll_event(const pollfd& interest, std::uint32_t serial) {
  epoll_event event{};
  event.events = static_cast<std::uint16_t>(interest.events);
  event.data.u64 = std::uint64_t{serial} << 32 | static_cast<std::uint32_t>(interest.fd);
  return event;
}

}  // namespace

bool FdMonitor::epoll_set(const pollfd& interest, Registration& poll) {
  if (poll.serial != 0 && epoll_modify(interest, poll)) return true;
  // If the number now refers to another file, epoll does not watch that yet. It may still watch the previous
  // file, as long as a duplicate of its descriptor is open; those events carry another serial.
  if (++next_serial_ == 0) ++next_serial_;
  poll.serial = next_serial_;
  epoll_event event = to_epoll_event(interest, poll.serial);
  return ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, interest.fd, &event) == 0 ||
         (errno == EEXIST && epoll_modify(interest, poll));
}

// Returns false if epoll has no entry for the file to which the number refers now.
bool FdMonitor::epoll_modify(const pollfd& interest, const Registration& poll) const {
  epoll_event event = to_epoll_event(interest, poll.serial);
  return ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, interest.fd, &event) == 0;
}

void FdMonitor::try_epoll() {
  kind_ = FdMonitorKind::epoll;
  ++generation_;
  for (std::size_t i = 0; i < interests_.size(); ++i) {
    // A closed descriptor cannot be watched, and need not be.
    if (!epoll_set(interests_[i], registrations_[i]) && errno != EBADF) return leave_epoll();
  }
}

void FdMonitor::forget_unknown() {
  if (kind_ != FdMonitorKind::epoll) return;
  ++generation_;
  ::close(epoll_fd_);
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) return leave_epoll();
  try_epoll();  // adds all descriptors again, with new serials
}

void FdMonitor::leave_epoll() {
  kind_ = FdMonitorKind::poll;
  epoll_refused_ = true;
  // The instance stays open, but empty: it costs nothing, and any events it might still report are never
  // read.
  for (const pollfd& interest : interests_) ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, interest.fd, nullptr);
}

void FdMonitor::wait(std::int64_t timeout_ns, std::vector<FdEvent>& ready) {
  if (kind_ == FdMonitorKind::io_uring) {
    const bool taken = ring_arm() && (timeout_ns == 0 ? ring_->submit() : ring_->submit_and_wait(timeout_ns));
    if (taken) return ring_take(&ready);
    leave_ring();
    timeout_ns = 0;  // returns at once; the caller will wait again
  }
  if (kind_ == FdMonitorKind::epoll) {
    wait_epoll(timeout_ns, ready);
  } else {
    wait_poll(timeout_ns, ready);
  }
  if (ring_fd_ < 0) return;
  std::erase_if(ready, [&](const FdEvent& event) { return event.fd == ring_fd_; });
  ring_take(&ready);
}

void FdMonitor::wait_poll(std::int64_t timeout_ns, std::vector<FdEvent>& ready) {
  const timespec timeout = to_timespec(timeout_ns < 0 ? 0 : timeout_ns);
  int count = ::ppoll(interests_.data(), interests_.size(), timeout_ns < 0 ? nullptr : &timeout, nullptr);
  if (count < 0 && errno == EINVAL && !epoll_refused_) {
    // The process may have lowered its limit of descriptors below this number, which ppoll rejects and epoll
    // accepts.
    try_epoll();
    if (kind_ == FdMonitorKind::epoll) return wait_epoll(timeout_ns, ready);
  }
  invariant(count >= 0 || errno == EINTR || errno == ENOMEM, "the poll monitor's set is valid");
  for (std::size_t i = 0; count > 0; ++i) {
    if (interests_[i].revents == 0) continue;
    --count;
    ready.push_back({.fd = interests_[i].fd, .revents = interests_[i].revents});
  }
}

void FdMonitor::wait_epoll(std::int64_t timeout_ns, std::vector<FdEvent>& ready) {
  std::array<epoll_event, 128> events;
  // At most one event per descriptor, for which the caller has room.
  const int capacity = static_cast<int>(std::clamp<std::size_t>(interests_.size(), 1, events.size()));
  int count = 0;
  if (timeout_ns <= 0) {
    count = ::epoll_wait(epoll_fd_, events.data(), capacity, timeout_ns < 0 ? -1 : 0);
  } else {
    const timespec timeout = to_timespec(timeout_ns);
    if (has_epoll_pwait2_) {
      count = ::epoll_pwait2(epoll_fd_, events.data(), capacity, &timeout, nullptr);
      if (count < 0 && errno != EINTR) {  // missing before Linux 5.11, or not allowed
        has_epoll_pwait2_ = false;
        refused_epoll_pwait2.report(errno);
      }
    }
    if (!has_epoll_pwait2_) {
      // Wait for the epoll instance's own descriptor: ppoll's timeout is in nanoseconds, epoll_wait's in
      // milliseconds.
      pollfd instance{.fd = epoll_fd_, .events = POLLIN, .revents = 0};
      count = ::ppoll(&instance, 1, &timeout, nullptr);
      if (count > 0) count = ::epoll_wait(epoll_fd_, events.data(), capacity, 0);
    }
  }
  invariant(count >= 0 || errno == EINTR, "the epoll instance is valid");
  // A file that is still watched although its number refers to another file now would be reported for ever,
  // so check now and then.
  constexpr std::uint32_t kLooksUntilCheck = 256;
  const bool checks = count > 0 && ++looks_ % kLooksUntilCheck == 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const int fd = static_cast<int>(static_cast<std::uint32_t>(event.data.u64));
    const std::uint32_t position = position_of(fd);
    const bool known = position != kNowhere && registrations_[position].serial == event.data.u64 >> 32 &&
                       (!checks || epoll_modify(interests_[position], registrations_[position]));
    ready.push_back({.fd = known ? fd : kUnknown, .revents = static_cast<short>(event.events)});
  }
}

}  // namespace qomio
