// SPDX-License-Identifier: GPL-2.0-or-later
// The service manager talks through the environment and one datagram socket, an interface that it promises to
// keep: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3). libsystemd is not used for it, since it and
// the six libraries behind it would be a quarter of the time that the daemon takes to start.
#include "qomio/tools/qomiod/service.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/interface.h"
#include "qomio/qapi/qmp_server.h"

namespace qomiod {

using namespace qomio;

namespace {

constexpr int kFirstSocket = 3;
constexpr int kMostSockets = 1000;

// What the manager set, and takes back: it is not for the programs that this one may start.
std::string taken_from_environment(const char* name) {
  const char* const value = std::getenv(name);
  std::string taken = value ? value : "";
  ::unsetenv(name);
  return taken;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_for_us(std::string_view pid) { return pid.empty() || number(pid) == ::getpid(); }

}  // namespace

Service::Service()
    : notify_socket_(taken_from_environment("NOTIFY_SOCKET")),
      shutdown_(Interface::process().listen([this](std::string_view name, const Json&) {
        if (name == "SHUTDOWN") notify("STOPPING=1");
      })) {}

Service::~Service() {
  if (watchdog_ != 0) g_source_remove(watchdog_);
}

Result<void> Service::take_sockets(QmpServer& server) {
  const std::string pid = taken_from_environment("LISTEN_PID");
  const std::string count = taken_from_environment("LISTEN_FDS");
  const std::string all_names = taken_from_environment("LISTEN_FDNAMES");
  if (pid.empty() || count.empty() || !is_for_us(pid)) return {};
  const auto sockets = number(count);
  if (!sockets || *sockets < 0 || *sockets > kMostSockets) {
    return error("cannot take the sockets of the service manager: LISTEN_FDS is '{}'", count);
  }
  std::string_view names = all_names;
  for (int fd = kFirstSocket; fd < kFirstSocket + *sockets; ++fd) {
    const std::string_view name = names.substr(0, names.find(':'));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    auto served = server.serve(fd, name == "read-only" ? Access::read_only : Access::full);
    if (!served) return served;
  }
  return {};
}

void Service::ready() {
  const auto period_us = number(taken_from_environment("WATCHDOG_USEC"));
  if (is_for_us(taken_from_environment("WATCHDOG_PID")) && period_us && *period_us > 0) {
    const auto alive = [](gpointer self) -> gboolean {
      static_cast<const Service*>(self)->notify("WATCHDOG=1");
      return G_SOURCE_CONTINUE;
    };
    const auto half_ms = std::clamp<std::int64_t>(*period_us / 2000, 1, G_MAXUINT);
    watchdog_ = g_timeout_add(static_cast<guint>(half_ms), alive, this);
  }
  notify("READY=1");
}

void Service::notify(std::string_view state) const {
  sockaddr_un address{};
  const std::span room(address.sun_path);
  // A path, or a name of the kernel's own that is written with an @.
  const bool has_place = notify_socket_.starts_with('/') || notify_socket_.starts_with('@');
  if (!has_place || notify_socket_.size() >= room.size()) return;
  address.sun_family = AF_UNIX;
  std::ranges::copy(notify_socket_, room.begin());
  if (room[0] == '@') room[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_socket_.size());
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  (void)::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), length);
}

}  // namespace qomiod
