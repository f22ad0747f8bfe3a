// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/socket_options.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

namespace qomio::internal {

int socket_option(int fd, int name) {
  int value = -1;
  socklen_t length = sizeof(value);
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

std::optional<ucred> socket_peer(int fd) {
  ucred peer = {};
  socklen_t length = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return std::nullopt;
  return peer;
}

Result<void> make_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
    return errno_error(errno, fmt::format("descriptor {}", fd));
  return {};
}

}  // namespace qomio::internal
