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

// Reading and writing files from a loop, without blocking it: through io_uring where the kernel has it, else
// in the loop's thread pool.
//
//     loop.file_io().read(fd, buffer, 0, [&](Result<std::size_t> size) { ... });
//
// Requests made in one iteration go to the kernel together, at most aio-max-batch of them at a time. They are
// carried out in any order, several at once: one that must see another's effect is made in the other's done.
//
// done is called once, in the loop, as a bottom half, never inside the call that makes the request. It gets
// the number of bytes, or an error: "Failed to read: Input/output error". Until then the buffers must stay,
// and the descriptor must stay open.
//
// For files and block devices, which have offsets. Pipes, sockets and terminals have none and are for
// readable() and writable(): here io_uring waits for all the bytes that were asked for, while the thread pool
// refuses ("Illegal seek"). To find out first would cost each request a system call.
//
// Thread: the loop's home thread. Had as AioContext::file_io(). A loop that ends cancels what is under way,
// waits for what can't be cancelled any more, and calls no done.
class FileIo {
 public:
  using Done = std::function<void(Result<std::size_t>)>;
  // Tells one request from the others of the same loop.
  using RequestId = std::uint64_t;

  // Usually obtained from AioContext::file_io(). monitor: that of the loop.
  FileIo(AioContext& loop, FdMonitor& monitor);
  FileIo(const FileIo&) = delete;
  FileIo& operator=(const FileIo&) = delete;
  ~FileIo();

  // Reads at offset, in bytes from the start of the file. Fewer bytes than asked for mean that the file ends
  // there, 0 that it ends at offset or before.
  RequestId read(int fd, std::span<std::byte> buffer, std::uint64_t offset, Done done);
  RequestId readv(int fd, std::span<const iovec> buffers, std::uint64_t offset, Done done);
  // Writes all, or it is an error, perhaps after a part was written.
  RequestId write(int fd, std::span<const std::byte> buffer, std::uint64_t offset, Done done);
  RequestId writev(int fd, std::span<const iovec> buffers, std::uint64_t offset, Done done);
  // What was written before, its size included, is on the disk when it is done (with 0).
  RequestId fsync(int fd, Done done);
  // Makes a part of the file read as zeros and gives its space back; the size stays. Done with 0. Errors:
  // file systems without holes say "Operation not supported".
  RequestId discard(int fd, std::uint64_t offset, std::uint64_t length, Done done);

  // Asks for a request to be ended: its done gets "Cancelled", perhaps after a part was read or written,
  // unless it is too late for that: what a disk or a thread is busy with ends by itself. Harmless when it is
  // done.
  void cancel(RequestId id);

  // Requests go through io_uring; false: through the thread pool.
  bool uses_ring() const;

  // Requests whose done hasn't been called yet.
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
  std::vector<std::unique_ptr<Request>> requests_;  // all; each knows its place
  Request* first_finished_ = nullptr;               // of a list: their done is next
  Request* last_finished_ = nullptr;
  std::size_t in_ring_ = 0;
  RequestId next_id_ = 1;
  bool uncancelled_ = false;  // the ring had no room to be told that some are cancelled
  bool ending_ = false;
  BottomHalf submit_bh_;
  BottomHalf done_bh_;
};

}  // namespace qomio
