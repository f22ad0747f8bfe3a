// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/uring.h"

#include <liburing.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace qomio::detail {

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
// NODROP: no completion is lost however many there are. EXT_ARG: a wait with a timeout is one system call.
constexpr unsigned kFeatures = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;
constexpr std::array kOperations = {IORING_OP_POLL_ADD,    IORING_OP_POLL_REMOVE, IORING_OP_READV,
                                    IORING_OP_WRITEV,      IORING_OP_FSYNC,       IORING_OP_FALLOCATE,
                                    IORING_OP_ASYNC_CANCEL};

bool has_operations(io_uring& ring) {
  io_uring_probe* const probe = ::io_uring_get_probe_ring(&ring);
  if (!probe) return false;
  bool all = true;
  for (const io_uring_op operation : kOperations) all &= ::io_uring_opcode_supported(probe, operation) != 0;
  ::io_uring_free_probe(probe);
  return all;
}

}  // namespace

Uring::Uring(std::unique_ptr<io_uring> ring) : ring_(std::move(ring)) {}

Uring::~Uring() { ::io_uring_queue_exit(ring_.get()); }

std::unique_ptr<Uring> Uring::create() {
  auto ring = std::make_unique<io_uring>();
  io_uring_params params{};
  if (::io_uring_queue_init_params(kEntries, ring.get(), &params) != 0) return nullptr;
  std::unique_ptr<Uring> made(new Uring(std::move(ring)));
  if ((params.features & kFeatures) != kFeatures || !has_operations(*made->ring_)) return nullptr;
  // A child process that doesn't exec must not touch the rings of its parent.
  if (::io_uring_ring_dontfork(made->ring_.get()) != 0) return nullptr;
  return made;
}

int Uring::fd() const { return ring_->ring_fd; }

io_uring_sqe* Uring::next_entry() {
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
  // Busy: completions must be taken first. The entries stay, for the next time.
  return result >= 0 || result == -EBUSY || result == -EAGAIN;
}

bool Uring::submit_and_wait(std::int64_t timeout_ns) {
  __kernel_timespec timeout{.tv_sec = timeout_ns / kSecondNs, .tv_nsec = timeout_ns % kSecondNs};
  io_uring_cqe* first = nullptr;
  const int result = ::io_uring_submit_and_wait_timeout(ring_.get(), &first, 1,
                                                        timeout_ns < 0 ? nullptr : &timeout, nullptr);
  return result >= 0 || result == -ETIME || result == -EINTR || result == -EBUSY || result == -EAGAIN;
}

bool Uring::has_completions() const { return ::io_uring_cq_ready(ring_.get()) != 0; }

bool Uring::take_completion(std::uint64_t& user_data, int& result) {
  io_uring_cqe* completion = nullptr;
  // Enters the kernel only when it says that more wait there than the ring holds.
  if (::io_uring_peek_cqe(ring_.get(), &completion) != 0) return false;
  user_data = completion->user_data;
  result = completion->res;
  ::io_uring_cqe_seen(ring_.get(), completion);
  return true;
}

}  // namespace qomio::detail
