// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "qomio/iothread/loop_params.h"
#include "qomio/qapi/error.h"

namespace qomio {

// The name as it is sent: "epoll".
std::string_view fd_monitor_kind_name(FdMonitorKind kind);

// A descriptor that is ready: revents are the POLLIN, POLLOUT, POLLERR, POLLHUP, POLLNVAL bits of poll(2).
struct FdEvent {
  int fd;
  short revents;
};

namespace internal {
class Uring;
}

// Waits until one of a set of descriptors is ready, level-triggered.
//
// - poll: poll(2), as fast as any for a few descriptors; takes any of them.
// - epoll: if asked for, from kEpollThreshold descriptors on, or once the loop busy-polls them. When it
//   refuses one (a regular file), back to poll for good.
// - io_uring: if asked for, and the kernel allows it; when it refuses anything later, over to the other two
//   for good. Needs no system call to see that descriptors are ready.
//
// Owns an epoll instance from the start, so that growing can't fail for want of a descriptor.
// Thread: one at a time, the home thread of the loop.
class FdMonitor {
 public:
  static constexpr std::size_t kEpollThreshold = 64;

  // start: what it begins with; where io_uring is not available, poll. Errors: "Failed to create epoll
  // instance: <reason>".
  static Result<FdMonitor> create(FdMonitorKind start = FdMonitorKind::poll);

  FdMonitor(FdMonitor&& other) noexcept;
  FdMonitor& operator=(FdMonitor&&) = delete;
  ~FdMonitor();

  // Watches fd for events (POLLIN, POLLOUT, both or 0: errors only); replaces what was said before. Takes
  // memory only for one that isn't watched yet; where there is none it throws std::bad_alloc, and nothing has
  // changed.
  void watch(int fd, short events);
  // Takes the memory that watching fd will need, so that watch() needs none.
  void make_room(int fd);
  // Forgets fd, which may be closed already.
  void unwatch(int fd);
  // How many are watched.
  std::size_t size() const { return interests_.size(); }
  // Something was reported that isn't watched: a descriptor that was closed before it was forgotten, and of
  // which a copy lives on in another process or under another number. Nobody but the kernel knows it any
  // more.
  void forget_unknown();
  // In place of the number of such a one in an event.
  static constexpr int kUnknown = -1;

  // Waits up to timeout_ns (0: only looks; -1: no limit) and appends what is ready, at most size() events (or
  // one, of a descriptor that was forgotten too late). A signal ends the wait early, as does the end of the
  // thread that waited before; a timeout never does.
  void wait(std::int64_t timeout_ns, std::vector<FdEvent>& ready);

  // Nothing is ready, as far as can be told without a system call: false only means that wait() must look.
  // To be called again and again while the loop is busy-polling. Goes over to epoll, since its look at
  // nothing costs half of poll's.
  bool nothing_new();

  // Waits until requests of uring() are completed, whatever descriptors are ready, and takes them.
  void wait_completions();
  // Requests of uring() are completed. No system call.
  bool has_completions() const;

  FdMonitorKind kind() const { return kind_; }

  // For the other requests of the loop: their completions are taken in wait(). Null where the kernel refuses
  // io_uring. Made at the first call, if it isn't what the monitor waits with anyway.
  internal::Uring* uring();

  // What an outer loop must poll to know that wait() would find something.
  const std::vector<pollfd>& interests() const { return interests_; }
  // The same as one descriptor to be polled for POLLIN; -1 while interests() must be used. To be asked each
  // time before that is polled.
  int descriptor();
  // Changes whenever the two above may have changed.
  std::uint64_t generation() const { return generation_; }

 private:
  // How the kernel knows one descriptor: by a request to the ring, or by an entry of epoll.
  struct Registration {
    std::uint32_t serial = 0;  // tells its events from those of requests and files that were replaced
    bool armed = false;        // the kernel has it
  };

  static constexpr std::uint32_t kNowhere = UINT32_MAX;

  explicit FdMonitor(int epoll_fd);

  std::uint32_t position_of(int fd) const {
    const auto index = static_cast<std::size_t>(fd);
    return index < positions_.size() ? positions_[index] : kNowhere;
  }
  bool epoll_set(const pollfd& interest, Registration& poll);
  bool epoll_modify(const pollfd& interest, const Registration& poll) const;
  void try_epoll();
  void leave_epoll();
  void wait_poll(std::int64_t timeout_ns, std::vector<FdEvent>& ready);
  void wait_epoll(std::int64_t timeout_ns, std::vector<FdEvent>& ready);

  bool ring_arm();
  bool ring_disarm(int fd, Registration& poll);
  void ring_take(std::vector<FdEvent>* ready);
  void leave_ring();

  int epoll_fd_;
  FdMonitorKind kind_ = FdMonitorKind::poll;
  bool epoll_refused_ = false;
  bool has_epoll_pwait2_ = true;
  bool ring_refused_ = false;
  std::uint64_t generation_ = 0;
  std::unique_ptr<internal::Uring> ring_;
  int ring_fd_ = -1;  // watched like any other while the ring isn't what is waited with
  std::uint32_t next_serial_ = 0;
  std::uint32_t looks_ = 0;  // of epoll that found something
  std::vector<pollfd> interests_;
  std::vector<Registration> registrations_;  // of each of interests_
  std::vector<int> to_arm_;                  // descriptors that the ring doesn't watch at this moment
  std::vector<std::uint32_t> positions_;     // by descriptor: the index into interests_, or kNowhere
};

}  // namespace qomio
