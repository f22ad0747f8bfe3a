// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/file_io.h"

#include <fcntl.h>
#include <liburing.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/internal/monitors/fd_monitor.h"
#include "qomio/iothread/internal/uring.h"
#include "qomio/iothread/thread_pool.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {

namespace {

constexpr int kDiscardMode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

// Receives the completion of a cancellation and ignores it, since the cancelled request has its own.
struct Ignored final : internal::UringRequest {
  void completed(int) override {}
};

}  // namespace

// Reads and writes are repeated until everything is transferred, since the kernel may transfer less at a
// time.
struct FileIo::Request final : internal::UringRequest {
  Request(FileIo& io, Operation what, int descriptor, std::uint64_t at, Done call)
      : owner(io), operation(what), fd(descriptor), offset(at), done(std::move(call)) {}

  bool transfers() const { return operation == Operation::read || operation == Operation::write; }
  unsigned part() const { return static_cast<unsigned>(std::min<std::size_t>(left.size(), IOV_MAX)); }

  // Processes the result of a system call, or -errno; returns true if nothing is left to do.
  bool step(std::int64_t result);
  void completed(int result) override;
  void end_cancelled() {
    failed = ECANCELED;
    owner.finished(*this);
  }
  std::int64_t call_system() const;
  Result<std::size_t> result() const;
  void prepare(io_uring_sqe& entry) const;

  FileIo& owner;
  const Operation operation;
  const int fd;
  std::uint64_t offset;  // of the remaining part
  std::uint64_t length = 0;
  Done done;
  iovec one{};  // used in place of many for a single buffer
  std::vector<iovec> many;
  std::span<iovec> left;
  std::size_t transferred = 0;
  int failed = 0;              // errno; ECANCELED: cancelled
  std::optional<Error> error;  // why it could not be started
  std::size_t place = 0;       // the index in requests_
  Request* next_finished = nullptr;
  RequestId id = 0;
  bool in_ring = false;
  bool cancelled = false;          // cancel() was called
  bool cancelling = false;         // the cancellation has been put into the ring
  ThreadPool::JobId pool_job = 0;  // 0: none
};

void FileIo::Request::completed(int result) {
  --owner.in_ring_;
  in_ring = false;
  // ECANCELED does not only come from cancel(): the kernel cancels the requests of a thread that ends, after
  // which the loop may have another home thread, and Uring reports it for requests whose submission the
  // kernel refused. These are started again, if need be in the pool.
  if (result == -ECANCELED) result = -EINTR;
  if (step(result)) return owner.finished(*this);
  if (cancelled || owner.ending_) return end_cancelled();
  owner.start(*this);
}

bool FileIo::Request::step(std::int64_t result) {
  if (result == -EINTR) return false;
  if (result < 0) {
    failed = static_cast<int>(-result);
    return true;
  }
  if (!transfers()) return true;
  auto size = static_cast<std::size_t>(result);
  transferred += size;
  offset += size;
  while (!left.empty() && size >= left.front().iov_len) {
    size -= left.front().iov_len;
    left = left.subspan(1);
  }
  if (left.empty()) return true;
  left.front().iov_base = static_cast<std::byte*>(left.front().iov_base) + size;
  left.front().iov_len -= size;
  if (result > 0) return false;
  if (operation == Operation::write) failed = EIO;
  return true;  // the end of the file
}

std::int64_t FileIo::Request::call_system() const {
  std::int64_t result = 0;
  switch (operation) {
    case Operation::read:
      result = ::preadv(fd, left.data(), static_cast<int>(part()), static_cast<off_t>(offset));
      break;
    case Operation::write:
      result = ::pwritev(fd, left.data(), static_cast<int>(part()), static_cast<off_t>(offset));
      break;
    case Operation::fsync:
      result = ::fsync(fd);
      break;
    case Operation::discard:
      result = ::fallocate(fd, kDiscardMode, static_cast<off_t>(offset), static_cast<off_t>(length));
      break;
  }
  return result < 0 ? -errno : result;
}

void FileIo::Request::prepare(io_uring_sqe& entry) const {
  switch (operation) {
    case Operation::read:
      ::io_uring_prep_readv(&entry, fd, left.data(), part(), offset);
      break;
    case Operation::write:
      ::io_uring_prep_writev(&entry, fd, left.data(), part(), offset);
      break;
    case Operation::fsync:
      ::io_uring_prep_fsync(&entry, fd, 0);
      break;
    case Operation::discard:
      ::io_uring_prep_fallocate(&entry, fd, kDiscardMode, static_cast<off_t>(offset),
                                static_cast<off_t>(length));
      break;
  }
}

Result<std::size_t> FileIo::Request::result() const {
  if (error) return std::unexpected(*error);
  if (failed == 0) return transferred;
  if (failed == ECANCELED && cancelled) return std::unexpected(Error::cancelled());
  switch (operation) {
    case Operation::read:
      return errno_error(failed, "Failed to read");
    case Operation::write:
      return errno_error(failed, "Failed to write");
    case Operation::fsync:
      return errno_error(failed, "Failed to synchronize");
    case Operation::discard:
      break;
  }
  return errno_error(failed, "Failed to discard");
}

FileIo::FileIo(AioContext& loop, FdMonitor& monitor)
    : loop_(loop),
      monitor_(monitor),
      submit_bh_(loop.bh_new("file-io-submit", [this] { submit(); })),
      done_bh_(loop.bh_new("file-io-done", [this] { call_done(); })) {}

FileIo::~FileIo() {
  ending_ = true;
  // The kernel may still be using the buffers.
  while (in_ring_ > 0) {
    cancel_all_wanted();
    monitor_.wait_completions();
  }
}

FileIo::RequestId FileIo::read(int fd, std::span<std::byte> buffer, std::uint64_t offset, Done done) {
  auto request = std::make_unique<Request>(*this, Operation::read, fd, offset, std::move(done));
  request->one = {.iov_base = buffer.data(), .iov_len = buffer.size()};
  request->left = {&request->one, 1};
  return add(std::move(request));
}

FileIo::RequestId FileIo::readv(int fd, std::span<const iovec> buffers, std::uint64_t offset, Done done) {
  auto request = std::make_unique<Request>(*this, Operation::read, fd, offset, std::move(done));
  request->many.assign(buffers.begin(), buffers.end());
  request->left = request->many;
  return add(std::move(request));
}

FileIo::RequestId FileIo::write(int fd, std::span<const std::byte> buffer, std::uint64_t offset, Done done) {
  auto request = std::make_unique<Request>(*this, Operation::write, fd, offset, std::move(done));
  // An iovec serves reading too, so its pointer cannot be const.
  request->one = {.iov_base = const_cast<std::byte*>(buffer.data()), .iov_len = buffer.size()};
  request->left = {&request->one, 1};
  return add(std::move(request));
}

FileIo::RequestId FileIo::writev(int fd, std::span<const iovec> buffers, std::uint64_t offset, Done done) {
  auto request = std::make_unique<Request>(*this, Operation::write, fd, offset, std::move(done));
  request->many.assign(buffers.begin(), buffers.end());
  request->left = request->many;
  return add(std::move(request));
}

FileIo::RequestId FileIo::fsync(int fd, Done done) {
  return add(std::make_unique<Request>(*this, Operation::fsync, fd, 0, std::move(done)));
}

FileIo::RequestId FileIo::discard(int fd, std::uint64_t offset, std::uint64_t length, Done done) {
  auto request = std::make_unique<Request>(*this, Operation::discard, fd, offset, std::move(done));
  request->length = length;
  return add(std::move(request));
}

FileIo::RequestId FileIo::add(std::unique_ptr<Request> request) {
  invariant(
      loop_.in_home_thread(),
      "a request of FileIo is made outside the loop's thread; make it by AioContext::schedule_oneshot()");
  Request& added = *request;
  const RequestId id = added.id = next_id_++;
  added.place = requests_.size();
  requests_.push_back(std::move(request));
  // To io_uring, an offset of all ones means the current position of the descriptor.
  constexpr std::uint64_t kLargest = std::numeric_limits<off_t>::max();
  if (added.offset > kLargest || added.length > kLargest) {
    added.failed = EINVAL;
    finished(added);
  } else {
    start(added);
  }
  return id;
}

void FileIo::cancel(RequestId id) {
  invariant(
      loop_.in_home_thread(),
      "FileIo::cancel() is called outside the loop's thread; call it by AioContext::schedule_oneshot()");
  // A linear search is enough: cancelling is rare, and only pending requests are in the list.
  const auto found = std::ranges::find(requests_, id, [](const auto& request) { return request->id; });
  if (found == requests_.end() || (*found)->cancelled) return;
  Request& request = **found;
  request.cancelled = true;
  if (request.in_ring) {
    cancel_in_ring(request);
  } else if (request.pool_job != 0 && loop_.thread_pool().cancel(request.pool_job)) {
    request.end_cancelled();
  }
}

void FileIo::cancel_in_ring(Request& request) {
  static Ignored ignored;
  io_uring_sqe* const entry = monitor_.uring()->next_entry();
  if (!entry) {
    // The kernel accepts no entry until completions have been taken, so try again soon.
    uncancelled_ = true;
    if (!ending_) submit_bh_.schedule_idle();
    return;
  }
  ::io_uring_prep_cancel(entry, static_cast<internal::UringRequest*>(&request), 0);
  ::io_uring_sqe_set_data(entry, static_cast<internal::UringRequest*>(&ignored));
  request.cancelling = true;
  if (!ending_) submit_bh_.schedule();
}

// Cancels the requests in the ring that are to end and whose cancellation is not in the ring yet.
void FileIo::cancel_all_wanted() {
  for (const auto& request : requests_) {
    if ((ending_ || request->cancelled) && request->in_ring && !request->cancelling) cancel_in_ring(*request);
  }
}

bool FileIo::uses_ring() const {
  const internal::Uring* const ring = monitor_.uring();
  return ring && !ring->refused();
}

void FileIo::start(Request& request) {
  if (!start_in_ring(request)) start_in_pool(request);
}

bool FileIo::start_in_ring(Request& request) {
  internal::Uring* ring = nullptr;
  try {
    ring = monitor_.uring();
  } catch (const std::bad_alloc&) {
    ring = nullptr;  // no memory; the next request tries again
  }
  io_uring_sqe* const entry = ring ? ring->next_entry() : nullptr;
  if (!entry) return false;
  request.prepare(*entry);
  ::io_uring_sqe_set_data(entry, static_cast<internal::UringRequest*>(&request));
  ++in_ring_;
  request.in_ring = true;
  if (ring->unsubmitted() >= static_cast<std::uint64_t>(loop_.params().in_force().aio_max_batch)) {
    submit();
  } else {
    submit_bh_.schedule();
  }
  return true;
}

void FileIo::submit() {
  if (std::exchange(uncancelled_, false)) cancel_all_wanted();
  // If the kernel is busy, the entries stay in the ring for a later submission.
  (void)monitor_.uring()->submit();
}

void FileIo::start_in_pool(Request& request) {
  try {
    const auto job = loop_.thread_pool().submit(
        [&request] {
          while (!request.step(request.call_system())) {
          }
        },
        [this, &request] { finished(request); });
    if (job) {
      request.pool_job = *job;
      return;
    }
    request.error = job.error();
  } catch (const std::bad_alloc&) {
    request.failed = ENOMEM;
  }
  finished(request);
}

void FileIo::finished(Request& request) {
  (first_finished_ ? last_finished_->next_finished : first_finished_) = &request;
  last_finished_ = &request;
  done_bh_.schedule();
}

void FileIo::call_done() {
  while (first_finished_) {
    const std::size_t place = first_finished_->place;
    first_finished_ = first_finished_->next_finished;
    const std::unique_ptr<Request> request = std::exchange(requests_[place], std::move(requests_.back()));
    requests_.pop_back();
    if (place < requests_.size()) requests_[place]->place = place;
    // A nested iteration inside done continues with the other requests.
    if (first_finished_) done_bh_.schedule();
    request->done(request->result());
  }
}

}  // namespace qomio
