// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomiod/monitor.h"

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

// Takes the text up to the next single comma; two stand for one.
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

Result<Monitor> parse_address(const std::string& address) {
  constexpr std::string_view kUnix = "unix:";
  constexpr std::string_view kFd = "fd:";
  Monitor monitor;
  if (address == "stdio") return monitor;
  if (address.starts_with(kUnix) && address.size() > kUnix.size()) {
    monitor.kind = Monitor::Kind::path;
    monitor.path = address.substr(kUnix.size());
    return monitor;
  }
  if (address.starts_with(kFd)) {
    const auto fd = parse_int64(std::string_view(address).substr(kFd.size()));
    if (fd && *fd >= 0 && *fd <= std::numeric_limits<int>::max()) {
      monitor.kind = Monitor::Kind::descriptor;
      monitor.fd = static_cast<int>(*fd);
      return monitor;
    }
  }
  return error("expected unix:PATH, fd:N or stdio");
}

}  // namespace

Result<Monitor> parse_monitor(const std::string& typed) {
  std::string_view rest = typed;
  auto monitor = parse_address(take_part(rest));
  if (!monitor) return monitor;
  while (!rest.empty()) {
    const std::string option = take_part(rest);
    constexpr std::string_view kAccess = "access=";
    if (!option.starts_with(kAccess))
      return error("Parameter '{}' is unexpected", option.substr(0, option.find('=')));
    auto access = from_json<Access>(option.substr(kAccess.size()), "access");
    if (!access) return failure(access);
    monitor->access = *access;
  }
  return monitor;
}

Result<void> open_monitor(QmpServer& server, const Monitor& monitor) {
  switch (monitor.kind) {
    case Monitor::Kind::path:
      return server.listen(monitor.path, monitor.access);
    case Monitor::Kind::descriptor:
      return server.serve(monitor.fd, monitor.access);
    case Monitor::Kind::stdio:
      return server.add_client(STDIN_FILENO, STDOUT_FILENO, monitor.access);
  }
  std::unreachable();
}

}  // namespace qomiod
