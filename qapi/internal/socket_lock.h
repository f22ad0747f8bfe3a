// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "qomio/qapi/error.h"
#include "qomio/qapi/file_descriptor.h"

namespace qomio {

// Held while a socket file is created, so that if several programs, or several listeners of one program, find
// the same dead socket, only one of them replaces it. It is a lock (flock) of an empty file beside the
// socket, `PATH.lock`, which is removed with the lock. The kernel releases the lock of a program that dies;
// the next program locks the file that is left.
class SocketLock {
 public:
  // Does not block. Errors: that of socket_in_use() while another program or listener holds the lock; the
  // lock file cannot be created; it exists and is not an empty regular file, in which case it is left alone.
  static Result<SocketLock> take(const std::string& socket_path);
  SocketLock(SocketLock&&) = default;
  SocketLock& operator=(SocketLock&&) = delete;
  ~SocketLock();

 private:
  SocketLock(std::string path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  FileDescriptor file_;
};

std::unexpected<Error> socket_in_use(const std::string& socket_path);

}  // namespace qomio
