// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>

struct io_uring;
struct io_uring_sqe;

namespace qomio::internal {

// What a submission entry of a Uring leads to.
class UringRequest {
 public:
  // Called while completions are taken from the ring, perhaps in the middle of a wait: it only takes note.
  // result: as of the system call, -errno for an error.
  // -ECANCELED without having been cancelled: it was not carried out, and may be made again.
  virtual void completed(int result) = 0;

 protected:
  ~UringRequest() = default;
};

// An io_uring: requests to the kernel, put into a ring in shared memory, which answers in another.
// Owns the ring; the requests must stay until they are completed. Thread: one at a time.
class Uring {
 public:
  // Requests that it holds before they are submitted.
  static constexpr unsigned kEntries = 128;

  // Null where the kernel refuses one of the three system calls, or lacks one of the abilities used here:
  // they came with Linux 5.11. The log says so once.
  static std::unique_ptr<Uring> create();

  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;
  // Waits for nothing: the kernel cancels what is under way.
  ~Uring();

  // Readable when there is a completion.
  int fd() const;

  // The next entry, empty, to be filled in; submits those before it when there is no room. Null when the
  // kernel takes none, and after it has refused a submission.
  io_uring_sqe* next_entry();
  // Entries not submitted yet.
  unsigned unsubmitted() const;
  // False when the kernel refuses, which is for good: a filter of system calls came into force. The requests
  // that it doesn't have are completed with -ECANCELED then. Completions of the others can still be taken.
  bool submit();
  bool refused() const { return refused_; }
  // Submits, and waits up to timeout_ns (-1: no limit) for a completion. A signal may end the wait early.
  // False as for submit().
  bool submit_and_wait(std::int64_t timeout_ns);

  // Looks into shared memory, no system call.
  bool has_completions() const;
  // The oldest completion, taken out; false if there is none.
  bool take_completion(std::uint64_t& user_data, int& result);

 private:
  explicit Uring(std::unique_ptr<io_uring> ring);

  int try_out();
  bool judge(int result);

  std::unique_ptr<io_uring> ring_;
  bool refused_ = false;
};

}  // namespace qomio::internal
