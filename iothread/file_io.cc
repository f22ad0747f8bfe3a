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
#include <optional>
#include <utility>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/thread_pool.h"
#include "qomio/iothread/uring.h"
#include "qomio/qapi/invariant.h"

namespace qomio {

namespace {

constexpr int kDiscardMode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

}  // namespace

// Reads and writes go on until all is transferred: the kernel may do less at a time.
struct FileIo::Request final : detail::UringRequest {
  Request(FileIo& io, Operation what, int descriptor, std::uint64_t at, Done call)
      : owner(io), operation(what), fd(descriptor), offset(at), done(std::move(call)) {}

  bool transfers() const { return operation == Operation::read || operation == Operation::write; }
  unsigned part() const { return static_cast<unsigned>(std::min<std::size_t>(left.size(), IOV_MAX)); }

  // The result of a system call, or -errno; true when there is no more to be done.
  bool step(std::int64_t result);
  void completed(int result) override {
    --owner.in_ring_;
    if (step(result) || owner.ending_) return owner.finished(*this);
    owner.start(*this);
  }
  std::int64_t call_system() const;
  Result<std::size_t> result() const;
  void prepare(io_uring_sqe& entry) const;

  FileIo& owner;
  const Operation operation;
  const int fd;
  std::uint64_t offset;  // of what is left
  std::uint64_t length = 0;
  Done done;
  iovec one{};  // in place of many, for one buffer
  std::vector<iovec> many;
  std::span<iovec> left;
  std::size_t transferred = 0;
  int failed = 0;              // errno
  std::optional<Error> error;  // when it could not even be started
  std::size_t place = 0;       // in requests_
};

bool FileIo::Request::step(std::int64_t result) {
  // Cancelled by the kernel when the thread that made the request has ended: another is the home now.
  if (result == -EINTR || result == -ECANCELED) return false;
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

FileIo::FileIo(AioContext& loop)
    : loop_(loop),
      submit_bh_(loop.bh_new("file-io-submit", [this] { submit(); })),
      done_bh_(loop.bh_new("file-io-done", [this] { call_done(); })) {}

FileIo::~FileIo() {
  ending_ = true;
  // The kernel may be writing to the buffers.
  FdMonitor& monitor = loop_.handlers_.monitor();
  std::vector<FdEvent> ignored;
  while (in_ring_ > 0) {
    submit();
    monitor.wait(-1, ignored);
    ignored.clear();
  }
}

void FileIo::read(int fd, std::span<std::byte> buffer, std::uint64_t offset, Done done) {
  auto request = std::make_unique<Request>(*this, Operation::read, fd, offset, std::move(done));
  request->one = {.iov_base = buffer.data(), .iov_len = buffer.size()};
  request->left = {&request->one, 1};
  add(std::move(request));
}

void FileIo::readv(int fd, std::span<const iovec> buffers, std::uint64_t offset, Done done) {
  auto request = std::make_unique<Request>(*this, Operation::read, fd, offset, std::move(done));
  request->many.assign(buffers.begin(), buffers.end());
  request->left = request->many;
  add(std::move(request));
}

void FileIo::write(int fd, std::span<const std::byte> buffer, std::uint64_t offset, Done done) {
  auto request = std::make_unique<Request>(*this, Operation::write, fd, offset, std::move(done));
  // The system's iovec serves reading too, so it can't be const.
  request->one = {.iov_base = const_cast<std::byte*>(buffer.data()), .iov_len = buffer.size()};
  request->left = {&request->one, 1};
  add(std::move(request));
}

void FileIo::writev(int fd, std::span<const iovec> buffers, std::uint64_t offset, Done done) {
  auto request = std::make_unique<Request>(*this, Operation::write, fd, offset, std::move(done));
  request->many.assign(buffers.begin(), buffers.end());
  request->left = request->many;
  add(std::move(request));
}

void FileIo::fsync(int fd, Done done) {
  add(std::make_unique<Request>(*this, Operation::fsync, fd, 0, std::move(done)));
}

void FileIo::discard(int fd, std::uint64_t offset, std::uint64_t length, Done done) {
  auto request = std::make_unique<Request>(*this, Operation::discard, fd, offset, std::move(done));
  request->length = length;
  add(std::move(request));
}

void FileIo::add(std::unique_ptr<Request> request) {
  invariant(loop_.in_home_thread(), "files are read and written in the home thread of the loop");
  Request& added = *request;
  added.place = requests_.size();
  requests_.push_back(std::move(request));
  // An offset of all ones would mean "where the descriptor stands" to io_uring.
  constexpr std::uint64_t kLargest = std::numeric_limits<off_t>::max();
  if (added.offset > kLargest || added.length > kLargest) {
    added.failed = EINVAL;
    finished(added);
    return;
  }
  start(added);
}

void FileIo::start(Request& request) {
  if (!start_in_ring(request)) start_in_pool(request);
}

bool FileIo::start_in_ring(Request& request) {
  detail::Uring* const ring = loop_.handlers_.monitor().uring();
  io_uring_sqe* const entry = ring ? ring->next_entry() : nullptr;
  if (!entry) return false;
  request.prepare(*entry);
  ::io_uring_sqe_set_data(entry, static_cast<detail::UringRequest*>(&request));
  ++in_ring_;
  if (ring->unsubmitted() >= static_cast<std::uint64_t>(loop_.effective_aio_max_batch())) {
    submit();
  } else {
    submit_bh_.schedule();
  }
  return true;
}

void FileIo::submit() {
  // Refused: the entries stay, and go along when the monitor submits next.
  (void)loop_.handlers_.monitor().uring()->submit();
}

void FileIo::start_in_pool(Request& request) {
  const auto job = loop_.thread_pool().submit(
      [&request] {
        while (!request.step(request.call_system())) {
        }
      },
      [this, &request] { finished(request); });
  if (job) return;
  request.error = job.error();
  finished(request);
}

void FileIo::finished(Request& request) {
  finished_.push_back(&request);
  done_bh_.schedule();
}

void FileIo::call_done() {
  while (!finished_.empty()) {
    const std::size_t place = finished_.front()->place;
    finished_.pop_front();
    const std::unique_ptr<Request> request = std::exchange(requests_[place], std::move(requests_.back()));
    requests_.pop_back();
    if (place < requests_.size()) requests_[place]->place = place;
    // A nested iteration inside done goes on with the others.
    if (!finished_.empty()) done_bh_.schedule();
    request->done(request->result());
  }
}

}  // namespace qomio
