// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>
#include <sys/un.h>

#include <string>

#include "qomio/qapi/error.h"
#include "qomio/qapi/file_descriptor.h"

namespace qomio::internal {

// Errors: the path is empty or too long.
Result<sockaddr_un> unix_socket_address(const std::string& path);

// A Unix stream socket that listens: created in the file system, or created by another program and handed
// over. Owns the file if it created it: the destructor removes the file if it is still the same.
//
// - The file has mode 0600 whatever the umask, and never has more permissions.
// - A socket that another program listens on is not taken over; one that a dead process left is replaced; any
//   other file is refused and left alone. If several programs start at the same moment, one gets the path,
//   and in the others open() fails because it is in use; see SocketLock.
//
// If a forked child destroys it, the file is left alone, since the parent still listens.
class UnixListeningSocket {
 public:
  // Errors, which name the path: empty, too long, in use, not a socket, system errors.
  static Result<UnixListeningSocket> open(const std::string& path);
  // Takes over a listening socket. Errors: it is not a Unix stream socket.
  static Result<UnixListeningSocket> adopt(FileDescriptor socket);
  UnixListeningSocket(UnixListeningSocket&&) = default;
  UnixListeningSocket& operator=(UnixListeningSocket&&) = delete;
  ~UnixListeningSocket();

  // Empty for an adopted socket.
  const std::string& path() const { return path_; }
  // Non-blocking and close-on-exec.
  int fd() const { return socket_.get(); }

 private:
  // Distinguishes a file from a later one with the same name.
  struct FileIdentity {
    dev_t device;
    ino_t inode;
    bool operator==(const FileIdentity&) const = default;
  };

  UnixListeningSocket(std::string path, FileIdentity identity, FileDescriptor socket);

  static Result<void> remove_dead_socket(const std::string& path);
  static Result<bool> remove_file(const std::string& path, const FileIdentity& identity);
  static Result<FileIdentity> identify(const std::string& path);

  std::string path_;
  FileIdentity identity_;
  pid_t process_;  // the process that created the file
  FileDescriptor socket_;
};

}  // namespace qomio::internal
