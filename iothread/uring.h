// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>

struct io_uring;
struct io_uring_sqe;

namespace qomio::detail {

// What a submission entry of a Uring leads to.
class UringRequest {
 public:
  // Called while completions are taken from the ring, perhaps in the middle of a wait: it only takes note.
  // result: as of the system call, -errno for an error.
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

  // Null where the kernel refuses, or lacks one of the abilities used here: they came with Linux 5.11.
  static std::unique_ptr<Uring> create();

  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;
  // Waits for nothing: the kernel cancels what is under way.
  ~Uring();

  // Readable when there is a completion.
  int fd() const;

  // The next entry, empty, to be filled in; submits those before it when there is no room. Null when the
  // kernel takes none.
  io_uring_sqe* next_entry();
  // Entries not submitted yet.
  unsigned unsubmitted() const;
  // False when the kernel refuses; the entries stay.
  bool submit();
  // Submits, and waits up to timeout_ns (-1: no limit) for a completion. A signal may end the wait early.
  bool submit_and_wait(std::int64_t timeout_ns);

  // Looks into shared memory, no system call.
  bool has_completions() const;
  // The oldest completion, taken out; false if there is none.
  bool take_completion(std::uint64_t& user_data, int& result);

 private:
  explicit Uring(std::unique_ptr<io_uring> ring);

  std::unique_ptr<io_uring> ring_;
};

}  // namespace qomio::detail
