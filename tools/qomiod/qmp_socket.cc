// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomiod/qmp_socket.h"

#include <unistd.h>

#include <limits>
#include <string_view>
#include <utility>

#include "qomio/qapi/json.h"
#include "qomio/qapi/qmp_server.h"
#include "qomio/qapi/text.h"

namespace qomiod {

using namespace qomio;

namespace {

// Removes the text up to the next single comma from rest, and returns it; two commas stand for one.
std::string take_part(std::string_view& rest) {
  std::string part;
  while (!rest.empty()) {
    const char c = rest[0];
    rest.remove_prefix(1);
    if (c == ',') {
      if (!rest.starts_with(',')) break;
      rest.remove_prefix(1);
    }
    part += c;
  }
  return part;
}

Result<QmpSocket> parse_address(const std::string& address) {
  constexpr std::string_view kUnix = "unix:";
  constexpr std::string_view kFd = "fd:";
  QmpSocket socket;
  if (address == "stdio") return socket;
  if (address.starts_with(kUnix) && address.size() > kUnix.size()) {
    socket.kind = QmpSocket::Kind::path;
    socket.path = address.substr(kUnix.size());
    return socket;
  }
  if (address.starts_with(kFd)) {
    const auto fd = parse_int64(std::string_view(address).substr(kFd.size()));
    if (fd && *fd >= 0 && *fd <= std::numeric_limits<int>::max()) {
      socket.kind = QmpSocket::Kind::descriptor;
      socket.fd = static_cast<int>(*fd);
      return socket;
    }
  }
  return error("expected unix:PATH, fd:N or stdio");
}

}  // namespace

Result<QmpSocket> parse_qmp_socket(const std::string& typed) {
  std::string_view rest = typed;
  auto socket = parse_address(take_part(rest));
  if (!socket) return socket;
  while (!rest.empty()) {
    const std::string option = take_part(rest);
    constexpr std::string_view kAccess = "access=";
    if (!option.starts_with(kAccess))
      return error("Parameter '{}' is unexpected", option.substr(0, option.find('=')));
    auto access = from_json<Access>(option.substr(kAccess.size()), "access");
    if (!access) return failure(access);
    socket->access = *access;
  }
  return socket;
}

Result<void> open_qmp_socket(QmpServer& server, const QmpSocket& socket) {
  switch (socket.kind) {
    case QmpSocket::Kind::path:
      return server.listen(socket.path, socket.access);
    case QmpSocket::Kind::descriptor:
      return server.serve(socket.fd, socket.access);
    case QmpSocket::Kind::stdio:
      return server.add_client(STDIN_FILENO, STDOUT_FILENO, socket.access);
  }
  std::unreachable();
}

}  // namespace qomiod
