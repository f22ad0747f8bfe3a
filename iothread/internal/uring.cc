// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/uring.h"

#include <liburing.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <utility>

#include "qomio/iothread/internal/refused_call.h"

namespace qomio::internal {

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
// NODROP: no completion is lost however many there are. EXT_ARG: a wait with a timeout is one system call.
constexpr unsigned kFeatures = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;
constexpr std::array kOperations = {IORING_OP_POLL_ADD,    IORING_OP_POLL_REMOVE, IORING_OP_READV,
                                    IORING_OP_WRITEV,      IORING_OP_FSYNC,       IORING_OP_FALLOCATE,
                                    IORING_OP_ASYNC_CANCEL};

constexpr char kInstead[] = "poll, epoll or a thread for files";
constinit RefusedCall refused_setup("io_uring_setup", kInstead);
constinit RefusedCall refused_register("io_uring_register", kInstead);
constinit RefusedCall refused_enter("io_uring_enter", kInstead);

// Marks an entry whose completion is ignored: no pointer to a request has bit 0 set.
constexpr std::uint64_t kIgnored = 1;

// Returns 0, ENOSYS if an operation is missing, or the errno with which the query failed.
int ask_for_operations(io_uring& ring) {
  constexpr unsigned kMost = 256;
  alignas(io_uring_probe) std::array<std::byte, sizeof(io_uring_probe) + kMost * sizeof(io_uring_probe_op)>
      memory{};
  auto* const probe = reinterpret_cast<io_uring_probe*>(memory.data());
  if (const int result = ::io_uring_register_probe(&ring, probe, kMost); result < 0) return -result;
  const bool all = std::ranges::all_of(
      kOperations, [&](io_uring_op operation) { return ::io_uring_opcode_supported(probe, operation) != 0; });
  return all ? 0 : ENOSYS;
}

}  // namespace

Uring::Uring(std::unique_ptr<io_uring> ring) : ring_(std::move(ring)) {}

Uring::~Uring() { ::io_uring_queue_exit(ring_.get()); }

std::unique_ptr<Uring> Uring::create() {
  auto ring = std::make_unique<io_uring>();
  io_uring_params params{};
  if (const int result = ::io_uring_queue_init_params(kEntries, ring.get(), &params); result != 0) {
    refused_setup.report(-result);
    return nullptr;
  }
  std::unique_ptr<Uring> made(new Uring(std::move(ring)));
  if ((params.features & kFeatures) != kFeatures) {
    refused_setup.report(ENOSYS);
    return nullptr;
  }
  if (const int error = ask_for_operations(*made->ring_); error != 0) {
    refused_register.report(error);
    return nullptr;
  }
  if (const int result = made->try_out(); result < 0) {
    refused_enter.report(-result);
    return nullptr;
  }
  // A child process that doesn't exec must not touch the rings of its parent.
  if (::io_uring_ring_dontfork(made->ring_.get()) != 0) return nullptr;
  return made;
}

// A system call filter may allow creating a ring but refuse submissions, so find that out before there are
// requests.
int Uring::try_out() {
  io_uring_sqe* const entry = ::io_uring_get_sqe(ring_.get());
  ::io_uring_prep_nop(entry);
  ::io_uring_sqe_set_data64(entry, kIgnored);
  const int result = ::io_uring_submit_and_wait(ring_.get(), 1);
  std::uint64_t user_data = 0;
  int completed = 0;
  while (take_completion(user_data, completed)) {
  }
  return result;
}

int Uring::fd() const { return ring_->ring_fd; }

io_uring_sqe* Uring::next_entry() {
  if (refused_) return nullptr;
  io_uring_sqe* entry = ::io_uring_get_sqe(ring_.get());
  if (!entry && submit()) entry = ::io_uring_get_sqe(ring_.get());
  return entry;
}

unsigned Uring::unsubmitted() const { return ::io_uring_sq_ready(ring_.get()); }

bool Uring::submit() {
  int result = 0;
  do {
    result = ::io_uring_submit(ring_.get());
  } while (result == -EINTR);
  return judge(result);
}

// Returns true unless the kernel refuses. If it is busy, completions must be taken first; the entries stay
// for the next time.
bool Uring::judge(int result) {
  if (result >= 0 || result == -EBUSY || result == -EAGAIN || result == -EINTR || result == -ETIME)
    return true;
  if (std::exchange(refused_, true)) return false;
  refused_enter.report(-result);
  io_uring_sq& queue = ring_->sq;
  for (unsigned left = ::io_uring_sq_ready(ring_.get()); left > 0; --left) {
    io_uring_sqe& entry = queue.sqes[(queue.sqe_tail - left) & queue.ring_mask];
    const std::uint64_t user_data = entry.user_data;
    ::io_uring_prep_nop(&entry);
    ::io_uring_sqe_set_data64(&entry, kIgnored);
    if (user_data & 1) continue;
    std::bit_cast<UringRequest*>(static_cast<std::uintptr_t>(user_data))->completed(-ECANCELED);
  }
  return false;
}

bool Uring::submit_and_wait(std::int64_t timeout_ns) {
  __kernel_timespec timeout{.tv_sec = timeout_ns / kSecondNs, .tv_nsec = timeout_ns % kSecondNs};
  io_uring_cqe* first = nullptr;
  const int result = ::io_uring_submit_and_wait_timeout(ring_.get(), &first, 1,
                                                        timeout_ns < 0 ? nullptr : &timeout, nullptr);
  return judge(result);
}

bool Uring::has_completions() const { return ::io_uring_cq_ready(ring_.get()) != 0; }

bool Uring::take_completion(std::uint64_t& user_data, int& result) {
  io_uring_cqe* completion = nullptr;
  // Enters the kernel only if more completions are waiting there than fit into the ring.
  if (::io_uring_peek_cqe(ring_.get(), &completion) != 0) return false;
  user_data = completion->user_data;
  result = completion->res;
  ::io_uring_cqe_seen(ring_.get(), completion);
  return true;
}

}  // namespace qomio::internal
