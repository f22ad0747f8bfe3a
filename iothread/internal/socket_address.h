// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/error.h"

namespace qomio::internal {

// An address of a socket as text: "tcp:HOST:PORT", with brackets around an IPv6 address, or "unix:PATH".
struct SocketAddress {
  bool is_unix = false;
  std::string host;  // without brackets; empty: all addresses of this machine
  std::string port;
  std::string path;  // of a UNIX socket

  // Errors: neither "tcp:" nor "unix:", no port, a port that is not a number from 0 to 65535, an IPv6 address
  // without brackets, a path that is empty or too long, a null byte.
  static Result<SocketAddress> parse(std::string_view text);
};

// An address as system calls want it.
struct SystemAddress {
  sockaddr_storage storage = {};
  socklen_t length = 0;

  int family() const { return storage.ss_family; }
  bool is_any() const;  // all addresses of IPv4 or IPv6
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  // As in SocketAddress. An IPv4 address that an IPv6 socket accepted is written as IPv4; "unix:" alone if
  // the socket has no path, "" if the family is neither.
  std::string text() const;
};

// What a parsed address stands for, best first; never empty. Blocks while it asks a name server, unless host
// is an IP address; numeric_only: fails instead. passive: to listen at, not to connect to. Errors: "Failed to
// resolve 'HOST': <reason>".
Result<std::vector<SystemAddress>> resolve(const SocketAddress& address, bool passive, bool numeric_only);

}  // namespace qomio::internal
