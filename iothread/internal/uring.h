// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>

struct io_uring;
struct io_uring_sqe;

namespace qomio::internal {

// A request to a Uring, which receives its completion.
class UringRequest {
 public:
  // Called while completions are taken from the ring, perhaps in the middle of a wait, so it must not call
  // user code. result: as of the system call, -errno for an error. -ECANCELED without a cancellation means
  // that the request was not carried out and may be made again.
  virtual void completed(int result) = 0;

 protected:
  ~UringRequest() = default;
};

// An io_uring: requests to the kernel in one ring in shared memory, and completions in another.
// Owns the rings; requests must exist until they are completed. Thread: one at a time.
class Uring {
 public:
  // The maximum number of requests that are not submitted yet.
  static constexpr unsigned kEntries = 128;

  // Returns null if the kernel refuses one of the three system calls or lacks a feature used here; Linux 5.11
  // has all of them. Logs that once.
  static std::unique_ptr<Uring> create();

  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;
  // Does not wait: the kernel cancels pending requests.
  ~Uring();

  // Readable when there is a completion.
  int fd() const;

  // Returns the next entry, empty, to be filled in; submits earlier entries if there is no room. Null if the
  // kernel accepts none, and after it has refused a submission.
  io_uring_sqe* next_entry();
  // The number of entries not submitted yet.
  unsigned unsubmitted() const;
  // Returns false if the kernel refuses, which is permanent: a system call filter has been installed.
  // Requests that were not submitted are then completed with -ECANCELED. Completions of the others can still
  // be taken.
  bool submit();
  bool refused() const { return refused_; }
  // Submits, and waits up to timeout_ns (-1: no limit) for a completion. A signal may end the wait early.
  // Returns false as submit() does.
  bool submit_and_wait(std::int64_t timeout_ns);

  // Reads shared memory; makes no system call.
  bool has_completions() const;
  // Takes the oldest completion; returns false if the queue is empty.
  bool take_completion(std::uint64_t& user_data, int& result);

 private:
  explicit Uring(std::unique_ptr<io_uring> ring);

  int try_out();
  bool judge(int result);

  std::unique_ptr<io_uring> ring_;
  bool refused_ = false;
};

}  // namespace qomio::internal
