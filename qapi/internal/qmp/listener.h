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

// A Unix socket that takes connections: made in the file system, or made by another program and handed over.
// Owns the file if it made it: it is removed at the end, if it is still the same.
//
// - The file has mode 0600 whatever the umask; it never has more.
// - A socket on which somebody listens is not taken over; one that a dead process left is replaced; any other
//   file is refused and left alone. Of several that begin at the same moment one gets the name, the others
//   hear that it is in use; see SocketLock.
// - Only root and the user that runs the program are let in, whatever the mode of the file: the others are
//   hung up on.
// - When descriptors run out the client is refused, not left waiting, and the loop does not spin.
// - The log tells of the first client that is refused, then from time to time of how many more were.
//
// A forked child that destroys it leaves the file alone: the parent goes on serving.
//
// Thread: the one that runs the context.
class UnixListener {
 public:
  using OnConnection = std::function<void(FileDescriptor connection)>;  // close-on-exec, non-blocking

  // Errors name the path: too long, in use, no socket, what the system says.
  static Result<std::unique_ptr<UnixListener>> open(GMainContext* context, const std::string& path,
                                                    OnConnection on_connection);
  // Takes over a socket that listens. Errors: it is not a Unix stream socket.
  static Result<std::unique_ptr<UnixListener>> adopt(GMainContext* context, FileDescriptor socket,
                                                     OnConnection on_connection);
  ~UnixListener();
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;

  // Empty for one that was handed over.
  const std::string& path() const { return path_; }
  int fd() const { return socket_.get(); }

 private:
  // What tells one file from another that has the same name later.
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
  void welcome(FileDescriptor connection);
  bool refuse_one();

  const std::string path_;
  const FileIdentity identity_;
  const pid_t process_;  // which made the file
  FileDescriptor socket_;
  FileDescriptor spare_;  // given up for a moment to refuse a client when no other descriptor is left
  OnConnection on_connection_;
  RepeatedMessage refused_;
  RepeatedMessage too_many_files_;
  FdSource source_;
  FdSource::Watch watch_;
};

}  // namespace qomio
