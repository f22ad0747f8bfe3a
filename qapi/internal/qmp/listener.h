// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "qomio/qapi/error.h"
#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/internal/qmp/g_source.h"
#include "qomio/qapi/internal/repeated_message.h"
#include "qomio/qapi/internal/unix_listening_socket.h"

namespace qomio {

// Accepts connections on a Unix socket.
//
// - Only root and the user that runs the program may connect, whatever the mode of the file; connections of
//   other users are closed.
// - If no descriptors are left, clients are refused instead of left waiting, and the loop does not spin.
// - The first refused client is logged, later ones are counted and logged from time to time.
//
// Thread: the one that runs the context.
class UnixListener {
 public:
  using OnConnection = std::function<void(FileDescriptor connection)>;  // close-on-exec, non-blocking

  // Errors: as for UnixListeningSocket.
  static Result<std::unique_ptr<UnixListener>> open(GMainContext* context, const std::string& path,
                                                    OnConnection on_connection);
  static Result<std::unique_ptr<UnixListener>> adopt(GMainContext* context, FileDescriptor socket,
                                                     OnConnection on_connection);
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;

  // Empty for an adopted socket.
  const std::string& path() const { return socket_.path(); }
  int fd() const { return socket_.fd(); }

 private:
  UnixListener(GMainContext* context, internal::UnixListeningSocket socket, OnConnection on_connection);

  void accept_some();
  void accept_client(FileDescriptor connection);
  bool refuse_one();

  internal::UnixListeningSocket socket_;
  FileDescriptor spare_;  // closed for a moment to refuse a client when no other descriptor is left
  OnConnection on_connection_;
  RepeatedMessage refused_;
  RepeatedMessage too_many_files_;
  FdSource source_;
  FdSource::Watch watch_;
};

}  // namespace qomio
