// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/qmp/listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "qomio/qapi/internal/socket_options.h"

namespace qomio {

namespace {

constexpr int kMostAcceptedInATurn = 16;
constexpr std::int64_t kPauseUs = 100'000;

}  // namespace

Result<std::unique_ptr<UnixListener>> UnixListener::open(GMainContext* context, const std::string& path,
                                                         OnConnection on_connection) {
  auto socket = internal::UnixListeningSocket::open(path);
  if (!socket) return failure(socket);
  return std::unique_ptr<UnixListener>(
      new UnixListener(context, std::move(*socket), std::move(on_connection)));
}

Result<std::unique_ptr<UnixListener>> UnixListener::adopt(GMainContext* context, FileDescriptor socket,
                                                          OnConnection on_connection) {
  auto adopted = internal::UnixListeningSocket::adopt(std::move(socket));
  if (!adopted) return failure(adopted);
  return std::unique_ptr<UnixListener>(
      new UnixListener(context, std::move(*adopted), std::move(on_connection)));
}

UnixListener::UnixListener(GMainContext* context, internal::UnixListeningSocket socket,
                           OnConnection on_connection)
    : socket_(std::move(socket)),
      spare_(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
      on_connection_(std::move(on_connection)),
      refused_(context, "QMP clients of other users were refused"),
      too_many_files_(context, "QMP clients were refused: too many open files"),
      source_(context, [this] { accept_some(); }),
      watch_(source_.watch(socket_.fd(), G_IO_IN)) {}

void UnixListener::accept_some() {
  source_.set_ready_time(-1);
  source_.change(watch_, G_IO_IN);
  for (int i = 0; i < kMostAcceptedInATurn; ++i) {
    FileDescriptor connection(accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection) {
      accept_client(std::move(connection));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if ((errno == EMFILE || errno == ENFILE) && refuse_one()) continue;
    // Nothing else helps; the clients wait until the next attempt.
    source_.change(watch_, 0);
    source_.set_ready_time(g_get_monotonic_time() + kPauseUs);
    return;
  }
}

void UnixListener::accept_client(FileDescriptor connection) {
  const auto peer = internal::socket_peer(connection.get());
  if (peer && (peer->uid == 0 || peer->uid == geteuid())) return on_connection_(std::move(connection));
  refused_.log(fmt::format("a QMP client of user {} was refused", peer ? peer->uid : 0));
}

// Accepts a client with the spare descriptor and closes the connection.
bool UnixListener::refuse_one() {
  if (!spare_) spare_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!spare_) return false;
  spare_.reset();
  FileDescriptor refused(accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  const bool taken = static_cast<bool>(refused) || errno == EAGAIN;
  if (refused) too_many_files_.log("a QMP client was refused: too many open files");
  refused.reset();
  spare_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return taken;
}

}  // namespace qomio
