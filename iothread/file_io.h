// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "qomio/iothread/bottom_half.h"
#include "qomio/qapi/error.h"

namespace qomio {

class AioContext;
class FdMonitor;

// Reads and writes files from a loop without blocking it: through io_uring if the kernel supports it,
// otherwise in the loop's thread pool.
//
//     loop.file_io().read(fd, buffer, 0, [&](Result<std::size_t> size) { ... });
//
// Requests made in one iteration are submitted to the kernel together, at most aio-max-batch at a time. They
// run concurrently and in any order: if one must see the effect of another, make it in the other's done.
//
// done is called once, in the loop, from a bottom half, never inside the call that makes the request. It
// receives the number of bytes or an error, such as "Failed to read: Input/output error". Until then the
// buffers must exist and the descriptor must stay open.
//
// For files and block devices, which have offsets. Pipes, sockets and terminals have none; use readable() and
// writable() for them. With FileIo, io_uring waits for all requested bytes, and the thread pool fails
// ("Illegal seek"). Checking the descriptor first would cost a system call per request.
//
// Thread: the loop's home thread. AioContext::file_io() returns the FileIo of a loop. A loop that ends
// cancels the pending requests, waits for requests that can no longer be cancelled, and calls no done.
class FileIo {
 public:
  using Done = std::function<void(Result<std::size_t>)>;
  // Identifies a request; unique within a loop.
  using RequestId = std::uint64_t;

  // Usually created by AioContext::file_io(). monitor: the loop's monitor.
  FileIo(AioContext& loop, FdMonitor& monitor);
  FileIo(const FileIo&) = delete;
  FileIo& operator=(const FileIo&) = delete;
  ~FileIo();

  // Reads at offset, in bytes from the start of the file. Fewer bytes than requested mean that the file ends
  // there; 0 means that it ends at offset or before.
  RequestId read(int fd, std::span<std::byte> buffer, std::uint64_t offset, Done done);
  RequestId readv(int fd, std::span<const iovec> buffers, std::uint64_t offset, Done done);
  // Writes all bytes or fails, possibly after a part was written.
  RequestId write(int fd, std::span<const std::byte> buffer, std::uint64_t offset, Done done);
  RequestId writev(int fd, std::span<const iovec> buffers, std::uint64_t offset, Done done);
  // When done is called (with 0), everything written before is on the disk, including the file's size.
  RequestId fsync(int fd, Done done);
  // Makes a part of the file read as zeros and frees its space; the file's size does not change. done
  // receives 0. Errors: "Failed to discard: Operation not supported" if the file system has no holes.
  RequestId discard(int fd, std::uint64_t offset, std::uint64_t length, Done done);

  // Cancels a request unless it is too late: done receives "Cancelled", possibly after a part was read or
  // written. A request that a disk or a thread is already processing runs to its end. Does nothing if the
  // request is done.
  void cancel(RequestId id);

  // Returns true if requests go through io_uring, false if through the thread pool.
  bool uses_ring() const;

  // The number of requests whose done has not been called yet.
  std::size_t pending() const { return requests_.size(); }

 private:
  enum class Operation { read, write, fsync, discard };
  struct Request;

  RequestId add(std::unique_ptr<Request> request);
  void start(Request& request);
  bool start_in_ring(Request& request);
  void cancel_in_ring(Request& request);
  void cancel_all_wanted();
  void start_in_pool(Request& request);
  void submit();
  void finished(Request& request);
  void call_done();

  AioContext& loop_;
  FdMonitor& monitor_;
  std::vector<std::unique_ptr<Request>> requests_;  // all; each stores its index
  Request* first_finished_ = nullptr;               // list of requests whose done is called next
  Request* last_finished_ = nullptr;
  std::size_t in_ring_ = 0;
  RequestId next_id_ = 1;
  bool uncancelled_ = false;  // the ring had no room for some cancellations
  bool ending_ = false;
  BottomHalf submit_bh_;
  BottomHalf done_bh_;
};

}  // namespace qomio
