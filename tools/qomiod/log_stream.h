// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "qomio/qapi/file_descriptor.h"

namespace qomiod {

// Writes whole lines to a descriptor that others share, such as standard error, and never waits for its
// reader. A line that can't be written, since the pipe is full, the disk is, or the reader has left, is
// dropped and counted. As soon as there is room again, the count is written.
//
// Thread-safe. The default GMainContext is what waits for room.
class LogStream {
 public:
  // Uses the descriptor, which the caller keeps open; its flags stay as they are, since others may have it
  // too.
  explicit LogStream(int fd);
  ~LogStream();
  LogStream(const LogStream&) = delete;
  LogStream& operator=(const LogStream&) = delete;

  void write(std::string_view line);

 private:
  int write_pending();
  int write_some(std::string_view& text) const;
  void watch_for_room();

  const int shared_fd_;
  const bool is_socket_;
  const qomio::FileDescriptor own_fd_;  // the same file without waiting; none: not to be opened anew
  std::mutex mutex_;                    // guards the rest
  std::string pending_;                 // the rest of a line that was written in part
  std::uint64_t dropped_ = 0;
  unsigned watch_ = 0;  // a source of the default context
};

}  // namespace qomiod
