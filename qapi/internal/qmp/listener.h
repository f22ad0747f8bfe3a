// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "qomio/qapi/error.h"
#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/internal/qmp/g_source.h"
#include "qomio/qapi/internal/repeated_message.h"

namespace qomio {

// A Unix socket that accepts connections: created in the file system, or created by another program and
// handed over. Owns the file if it created it: the destructor removes the file if it is still the same.
//
// - The file has mode 0600 whatever the umask, and never has more permissions.
// - A socket that another program listens on is not taken over; one that a dead process left is replaced; any
//   other file is refused and left alone. If several programs start at the same moment, one gets the path,
//   and in the others open() fails because it is in use; see SocketLock.
// - Only root and the user that runs the program may connect, whatever the mode of the file; connections of
//   other users are closed.
// - If no descriptors are left, clients are refused instead of left waiting, and the loop does not spin.
// - The first refused client is logged, later ones are counted and logged from time to time.
//
// If a forked child destroys it, the file is left alone, since the parent still listens.
//
// Thread: the one that runs the context.
class UnixListener {
 public:
  using OnConnection = std::function<void(FileDescriptor connection)>;  // close-on-exec, non-blocking

  // Errors, which name the path: too long, in use, not a socket, system errors.
  static Result<std::unique_ptr<UnixListener>> open(GMainContext* context, const std::string& path,
                                                    OnConnection on_connection);
  // Takes over a listening socket. Errors: it is not a Unix stream socket.
  static Result<std::unique_ptr<UnixListener>> adopt(GMainContext* context, FileDescriptor socket,
                                                     OnConnection on_connection);
  ~UnixListener();
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;

  // Empty for an adopted socket.
  const std::string& path() const { return path_; }
  int fd() const { return socket_.get(); }

 private:
  // Distinguishes a file from a later one with the same name.
  struct FileIdentity {
    dev_t device;
    ino_t inode;
    bool operator==(const FileIdentity&) const = default;
  };

  UnixListener(GMainContext* context, std::string path, FileIdentity identity, FileDescriptor socket,
               OnConnection on_connection);

  static Result<FileDescriptor> bind_socket(const std::string& path, FileIdentity& identity);
  static Result<void> remove_dead_socket(const std::string& path);
  static Result<bool> remove_file(const std::string& path, const FileIdentity& identity);
  static Result<FileIdentity> identify(const std::string& path);

  void accept_some();
  void accept_client(FileDescriptor connection);
  bool refuse_one();

  const std::string path_;
  const FileIdentity identity_;
  const pid_t process_;  // the process that created the file
  FileDescriptor socket_;
  FileDescriptor spare_;  // closed for a moment to refuse a client when no other descriptor is left
  OnConnection on_connection_;
  RepeatedMessage refused_;
  RepeatedMessage too_many_files_;
  FdSource source_;
  FdSource::Watch watch_;
};

}  // namespace qomio
