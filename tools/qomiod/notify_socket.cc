// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomiod/notify_socket.h"

#include <glib-unix.h>
#include <glib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace qomiod {
namespace {

// Returns the address for sockaddr_un; empty if the variable is not set or is not the address of a Unix
// socket.
std::string address_of_manager() {
  const char* const name = std::getenv("NOTIFY_SOCKET");
  if (!name || *name == '\0') return {};
  std::string address = name;
  if ((address[0] != '/' && address[0] != '@') || address.size() >= sizeof(sockaddr_un::sun_path)) {
    g_log("qomio", G_LOG_LEVEL_WARNING, "the service manager is not notified: NOTIFY_SOCKET is '%s'", name);
    return {};
  }
  if (address[0] == '@') address[0] = '\0';
  return address;
}

}  // namespace

NotifySocket::NotifySocket() : address_(address_of_manager()) {
  if (address_.empty()) return;
  socket_.reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket_ && connect()) return;
  g_log("qomio", G_LOG_LEVEL_WARNING, "the service manager is not notified: %s", g_strerror(errno));
  if (!socket_) address_.clear();
}

NotifySocket::~NotifySocket() {
  if (watch_ != 0) g_source_remove(watch_);
}

bool NotifySocket::connect() const {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, address_.data(), address_.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  return ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0;
}

// Returns 0 or an errno.
int NotifySocket::try_send(const std::string& state) const {
  constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
  if (::send(socket_.get(), state.data(), state.size(), kFlags) >= 0) return 0;
  // The manager may have replaced its socket by a new one.
  if (errno != EAGAIN && connect() && ::send(socket_.get(), state.data(), state.size(), kFlags) >= 0)
    return 0;
  return errno;
}

void NotifySocket::send(std::string state) {
  if (address_.empty()) return;
  waiting_.push_back(std::move(state));
  send_waiting();
}

void NotifySocket::send_or_drop(const std::string& state) {
  if (address_.empty()) return;
  if (!waiting_.empty() || try_send(state) != 0) {
    ++dropped_;
  } else {
    report_dropped();
  }
}

void NotifySocket::send_waiting() {
  while (!waiting_.empty()) {
    const int problem = try_send(waiting_.front());
    if (problem == EAGAIN) return watch_for_room();
    if (problem != 0) {
      g_log("qomio", G_LOG_LEVEL_WARNING, "the service manager could not be notified of '%s': %s",
            waiting_.front().c_str(), g_strerror(problem));
    }
    waiting_.pop_front();
  }
  report_dropped();
}

void NotifySocket::report_dropped() {
  if (const std::uint64_t dropped = std::exchange(dropped_, 0); dropped != 0) {
    g_log("qomio", G_LOG_LEVEL_WARNING,
          "the service manager did not read: %" G_GUINT64_FORMAT " notifications were dropped", dropped);
  }
}

void NotifySocket::watch_for_room() {
  if (watch_ != 0) return;
  const auto has_room = [](gint, GIOCondition, gpointer data) -> gboolean {
    auto& self = *static_cast<NotifySocket*>(data);
    self.watch_ = 0;
    self.send_waiting();
    return G_SOURCE_REMOVE;
  };
  watch_ = g_unix_fd_add(socket_.get(), G_IO_OUT, has_room, this);
}

}  // namespace qomiod
