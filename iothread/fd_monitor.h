// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "qomio/qapi/error.h"

namespace qomio {

// How a loop waits for its descriptors.
enum class FdMonitorKind { poll, epoll, io_uring };

// The name as it is sent: "epoll".
std::string_view fd_monitor_kind_name(FdMonitorKind kind);

// A descriptor that is ready: revents are the POLLIN, POLLOUT, POLLERR, POLLHUP, POLLNVAL bits of poll(2).
struct FdEvent {
  int fd;
  short revents;
};

// Waits until one of a set of descriptors is ready, level-triggered.
// It starts with poll(2), which is as fast for a few descriptors and takes any of them, and goes over to
// epoll at kEpollThreshold. When epoll refuses a descriptor (a regular file), it returns to poll for good.
// Owns an epoll instance from the start, so that growing can't fail for want of a descriptor.
// Thread: one at a time, the home thread of the loop.
class FdMonitor {
 public:
  static constexpr std::size_t kEpollThreshold = 64;

  // Errors: "Failed to create epoll instance: <reason>".
  static Result<FdMonitor> create();

  FdMonitor(FdMonitor&& other) noexcept;
  FdMonitor& operator=(FdMonitor&&) = delete;
  ~FdMonitor();

  // Watches fd for events (POLLIN, POLLOUT, both or 0: errors only); replaces what was said before.
  void watch(int fd, short events);
  // Forgets fd, which may be closed already.
  void unwatch(int fd);

  // Waits up to timeout_ns (0: only looks; -1: no limit) and appends what is ready. A signal ends the wait
  // early; a timeout never does.
  void wait(std::int64_t timeout_ns, std::vector<FdEvent>& ready);

  FdMonitorKind kind() const { return kind_; }

  // What an outer loop must poll to know that wait() would find something.
  const std::vector<pollfd>& interests() const { return interests_; }
  // The same as one descriptor to be polled for POLLIN; -1 while interests() must be used.
  int descriptor() const { return kind_ == FdMonitorKind::epoll ? epoll_fd_ : -1; }
  // Changes whenever the two above may have changed.
  std::uint64_t generation() const { return generation_; }

 private:
  explicit FdMonitor(int epoll_fd) : epoll_fd_(epoll_fd) {}

  bool epoll_set(int fd, short events);
  void try_epoll();
  void leave_epoll();
  void wait_poll(std::int64_t timeout_ns, std::vector<FdEvent>& ready);
  void wait_epoll(std::int64_t timeout_ns, std::vector<FdEvent>& ready);

  int epoll_fd_;
  FdMonitorKind kind_ = FdMonitorKind::poll;
  bool epoll_refused_ = false;
  bool has_epoll_pwait2_ = true;
  std::uint64_t generation_ = 0;
  std::vector<pollfd> interests_;
  std::unordered_map<int, std::size_t> positions_;  // fd → index into interests_
};

}  // namespace qomio
