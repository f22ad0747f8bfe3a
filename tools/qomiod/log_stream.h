// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "qomio/qapi/file_descriptor.h"

namespace qomiod {

// Writes whole lines to a descriptor that other processes may share, such as standard error, and never waits
// for its reader. A line that cannot be written, because the pipe or the disk is full or there is no reader,
// is dropped and counted. The count is written once there is room again.
//
// Thread-safe. A source of the default GMainContext waits for room.
class LogStream {
 public:
  // The caller keeps the descriptor open. Its flags are not changed, since other processes may share the open
  // file.
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
  const qomio::FileDescriptor own_fd_;  // the same file, opened as non-blocking; none: it is not reopened
  std::mutex mutex_;                    // guards the rest
  std::string pending_;                 // the rest of a partly written line
  std::uint64_t dropped_ = 0;
  unsigned watch_ = 0;  // a source of the default context
};

}  // namespace qomiod
