// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "qomio/qapi/error.h"
#include "qomio/qapi/file_descriptor.h"

namespace qomio {

// Held while a socket file is made, so that of several programs, or several listeners of one program, that
// find the same dead socket only one replaces it. It is a lock (flock) of an empty file beside the socket,
// `PATH.lock`, which is removed with the lock. The lock of a program that dies goes with it; a file that it
// leaves is taken by the next.
class SocketLock {
 public:
  // Does not wait. Errors: the socket is in use, as socket_in_use() says it, while another holds the lock;
  // the file cannot be made; it is something else than an empty file, which is left alone.
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
