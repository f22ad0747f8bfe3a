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

// The name in QMP: "epoll".
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
// - poll: poll(2). As fast as the others for few descriptors, and accepts every kind.
// - epoll: used if requested, from kEpollThreshold descriptors on, or once the loop busy-polls. If it
//   refuses a descriptor (a regular file), the monitor returns to poll permanently.
// - io_uring: used if requested and allowed by the kernel. If the kernel refuses anything later, the monitor
//   switches to the other two permanently. Finds ready descriptors without a system call.
//
// Owns an epoll instance from the start, so that growing cannot fail for lack of a descriptor.
// Thread: one at a time, the loop's home thread.
class FdMonitor {
 public:
  static constexpr std::size_t kEpollThreshold = 64;

  // start: the kind to begin with; poll, if io_uring is not available. Errors: "Failed to create epoll
  // instance: <reason>".
  static Result<FdMonitor> create(FdMonitorKind start = FdMonitorKind::poll);

  FdMonitor(FdMonitor&& other) noexcept;
  FdMonitor& operator=(FdMonitor&&) = delete;
  ~FdMonitor();

  // Watches fd for events (POLLIN, POLLOUT, both, or 0: errors only), which replace the earlier ones.
  // Allocates memory only if fd is not watched yet; without memory, throws std::bad_alloc and changes
  // nothing.
  void watch(int fd, short events);
  // Allocates the memory that watching fd will need, so that watch() needs none.
  void make_room(int fd);
  // Stops watching fd, which may be closed already.
  void unwatch(int fd);
  // The number of watched descriptors.
  std::size_t size() const { return interests_.size(); }
  // Call this if an event has the descriptor kUnknown or one that is not watched. Such a descriptor was
  // closed before unwatch(), and a duplicate of it is open in another process or under another number. Only
  // the kernel still knows it, so this makes a new epoll instance.
  void forget_unknown();
  // The number of such a descriptor in an event.
  static constexpr int kUnknown = -1;

  // Waits for up to timeout_ns (0: does not block; -1: no limit) and appends the descriptors that are ready:
  // at most size() events, or one for a descriptor that was closed before unwatch(). A signal may end the
  // wait early, as may the end of the thread that waited before; a timeout never fires early.
  void wait(std::int64_t timeout_ns, std::vector<FdEvent>& ready);

  // Returns true if nothing is ready, as far as shared memory shows; false only means that wait() must look.
  // Called again and again while the loop busy-polls. Switches from poll to epoll, which takes half as long
  // to find nothing.
  bool nothing_new();

  // Waits until uring() has a completion, and processes all of them. Descriptors that are ready are left to
  // the next wait().
  void wait_completions();
  // Returns true if uring() has completions. Makes no system call.
  bool has_completions() const;

  FdMonitorKind kind() const { return kind_; }

  // The ring for other requests of the loop; wait() processes their completions. Null if the kernel refuses
  // io_uring. Created by the first call, unless the monitor waits with it anyway.
  internal::Uring* uring();

  // The descriptors that an outer loop must poll to know that wait() would find something.
  const std::vector<pollfd>& interests() const { return interests_; }
  // A single descriptor to poll for POLLIN instead; -1 if interests() must be used. Call this before each
  // poll.
  int descriptor();
  // Changes whenever the two above may have changed.
  std::uint64_t generation() const { return generation_; }

 private:
  // How the kernel watches one descriptor: by a request in the ring or by an entry of epoll.
  struct Registration {
    std::uint32_t serial = 0;  // distinguishes its events from the events of replaced requests and files
    bool armed = false;        // the ring has the request
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
  int ring_fd_ = -1;  // watched like any other while the monitor does not wait with the ring
  std::uint32_t next_serial_ = 0;
  std::uint32_t looks_ = 0;  // epoll waits that found something
  std::vector<pollfd> interests_;
  std::vector<Registration> registrations_;  // one for each of interests_
  std::vector<int> to_arm_;                  // descriptors that the ring does not watch at this moment
  std::vector<std::uint32_t> positions_;     // by descriptor: the index into interests_, or kNowhere
};

}  // namespace qomio
