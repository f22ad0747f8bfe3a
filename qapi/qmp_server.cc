// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/qmp_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <glib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <new>
#include <utility>
#include <vector>

#include "qomio/qapi/internal/json/disposal.h"
#include "qomio/qapi/internal/qmp/commands.h"
#include "qomio/qapi/internal/qmp/g_source.h"
#include "qomio/qapi/internal/qmp/listener.h"
#include "qomio/qapi/internal/qmp/request.h"
#include "qomio/qapi/internal/qmp/session.h"
#include "qomio/qapi/internal/qmp/throttle.h"
#include "qomio/qapi/internal/repeated_message.h"
#include "qomio/qapi/internal/socket_options.h"
#include "qomio/qapi/introspection.h"
#include "qomio/qapi/json.h"

namespace qomio {

namespace {

constexpr std::int64_t kFlushTimeoutUs =
    1'000'000;  // how long the destructor waits for clients that do not read

std::string_view name_of(Access access) { return access == Access::full ? "full" : "read-only"; }

// Sessions answer qmp_capabilities themselves until they have negotiated; later calls get here.
Result<void> qmp_capabilities(const QmpCapabilities& /*arguments*/) {
  return error(ErrorClass::CommandNotFound, "Capabilities negotiation is already complete, command ignored");
}

// Sessions answer this themselves, too, since it concerns one client.
Result<void> subscribe_events(const EventSubscription& /*arguments*/) {
  return error("subscribe-events is for clients of a QMP server");
}

}  // namespace

void add_qmp_commands(CommandRegistry& commands) {
  add_introspection_commands(commands);
  commands.add(command("qmp_capabilities", "negotiates capabilities and starts the session", qmp_capabilities)
                   .query());
  commands.add(
      command(kSubscribeEvents, "subscribes to events that are sent on request", subscribe_events).query());
  commands.add(event<EventsDropped>(
      kEventsDropped,
      "events for this client were dropped because it read too slowly; sent before the next event"));
}

class QmpServer::State {
 public:
  State(GMainContext* context, CommandRegistry& registry, std::size_t output_limit_bytes);
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  Result<void> listen(const std::string& path, Access access);
  Result<void> serve(int socket_fd, Access access);
  Result<void> add_client(int socket_fd, Access access);
  Result<void> add_client(int in_fd, int out_fd, Access access);
  void limit_event_rate(std::string name, std::string key);
  void set_client_limit(std::size_t limit) { client_limit_ = limit; }
  std::size_t client_count() const { return sessions_.size(); }
  std::uint64_t dropped_event_count() const { return dropped_events_; }

 private:
  Result<void> take_over(int fd) const;
  Result<void> add_session(FileDescriptor in, FileDescriptor out, Access access);
  UnixListener::OnConnection adder(Access access);
  void close_session(const QmpSession& session);
  void send_event(std::string_view name, const Json& data);
  std::string_view requested_as(std::string_view event) const;
  bool is_event_wanted(std::string_view name) const;
  void send_event_line(std::string_view name, const std::string& line);
  void send_delayed_events();
  void note_dropped_events(std::uint64_t count);
  void send_rest();
  void stop();

  RepeatedMessage too_many_clients_;
  RepeatedMessage failed_clients_;
  RepeatedMessage slow_clients_;
  JsonDisposal disposal_;
  QmpSessionHost host_;
  std::uint64_t dropped_events_ = 0;
  struct Listener {
    std::unique_ptr<UnixListener> listener;
    Access access;
  };
  std::vector<Listener> listeners_;
  std::list<std::unique_ptr<QmpSession>> sessions_;
  std::shared_ptr<void> event_subscription_;
  EventThrottle throttle_;
  std::unique_ptr<FdSource> delayed_events_;  // created with the first limit
  std::size_t client_limit_ = kDefaultClientLimit;
  bool stopped_ = false;
};

QmpServer::State::State(GMainContext* context, CommandRegistry& registry, std::size_t output_limit_bytes)
    : too_many_clients_(context, "QMP clients were refused: there were too many"),
      failed_clients_(context, "QMP clients were dropped", G_LOG_LEVEL_WARNING),
      slow_clients_(context, "events were dropped for QMP clients that read too slowly"),
      disposal_(context),
      host_{.process = getpid(),
            .context = context,
            .registry = registry,
            .disposal = disposal_,
            .output_limit_bytes = output_limit_bytes,
            .closed = [this](QmpSession& session) { close_session(session); },
            .ended = [this] { stop(); },
            .events_dropped = [this](std::uint64_t count) { note_dropped_events(count); },
            .failed =
                [this](std::string_view problem) {
                  failed_clients_.log(fmt::format("QMP client dropped: {}", problem));
                }} {
  add_qmp_commands(registry);
  event_subscription_ =
      registry.listen([this](std::string_view name, const Json& data) { send_event(name, data); },
                      [this](std::string_view name) { return is_event_wanted(name); });
}

QmpServer::State::~State() {
  stop();
  if (getpid() == host_.process) send_rest();
  // Sessions and the data that commands keep in them call the server when they are destroyed, so destroy them
  // before its other members.
  while (!sessions_.empty()) close_session(*sessions_.front());
}

UnixListener::OnConnection QmpServer::State::adder(Access access) {
  return [this, access](FileDescriptor connection) {
    if (sessions_.size() >= client_limit_) {
      too_many_clients_.log(fmt::format("a QMP client was refused: there are {} already", sessions_.size()));
      return;
    }
    if (auto added = add_session(std::move(connection), FileDescriptor(), access); !added) {
      g_log("qomio", G_LOG_LEVEL_MESSAGE, "a QMP client was refused: %s", added.error().message().c_str());
    }
  };
}

Result<void> QmpServer::State::listen(const std::string& path, Access access) {
  auto listener = UnixListener::open(host_.context, path, adder(access));
  if (!listener) return failure(listener);
  listeners_.push_back({std::move(*listener), access});
  return {};
}

// Refuses a socket that is served already, also under another descriptor number: its clients would get the
// access of whichever of the two accepts them.
Result<void> QmpServer::State::take_over(int fd) const {
  struct stat offered = {};
  if (fstat(fd, &offered) != 0) return errno_error(errno, fmt::format("descriptor {}", fd));
  const auto check = [&](int served, Access access) -> Result<void> {
    struct stat known = {};
    if (fstat(served, &known) != 0 || known.st_dev != offered.st_dev || known.st_ino != offered.st_ino)
      return {};
    if (served == fd) return error("descriptor {} is served already, with access={}", fd, name_of(access));
    return error("descriptor {} is the same as descriptor {}, which is served already, with access={}", fd,
                 served, name_of(access));
  };
  for (const auto& [listener, access] : listeners_) {
    if (auto r = check(listener->fd(), access); !r) return r;
  }
  for (const auto& session : sessions_) {
    for (const int served : {session->in_fd(), session->out_fd()}) {
      if (auto r = check(served, session->access()); !r) return r;
    }
  }
  // Programs that this process starts expect standard input, output and error to be open.
  if (fd > STDERR_FILENO) (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  return {};
}

Result<void> QmpServer::State::serve(int socket_fd, Access access) {
  const int listens = internal::socket_option(socket_fd, SO_ACCEPTCONN);
  if (listens < 0) return errno_error(errno, fmt::format("descriptor {}", socket_fd));
  if (listens == 0) return add_client(socket_fd, access);
  if (auto r = take_over(socket_fd); !r) return r;
  auto listener = UnixListener::adopt(host_.context, FileDescriptor(socket_fd), adder(access));
  if (!listener) return failure(listener);
  listeners_.push_back({std::move(*listener), access});
  return {};
}

Result<void> QmpServer::State::add_client(int socket_fd, Access access) {
  if (auto r = take_over(socket_fd); !r) return r;
  FileDescriptor fd(socket_fd);
  const int type = internal::socket_option(fd.get(), SO_TYPE);
  if (type < 0) return errno_error(errno, fmt::format("descriptor {}", socket_fd));
  if (type != SOCK_STREAM) return error("descriptor {} is not a stream socket", socket_fd);
  return add_session(std::move(fd), FileDescriptor(), access);
}

Result<void> QmpServer::State::add_client(int in_fd, int out_fd, Access access) {
  if (in_fd == out_fd) return add_client(in_fd, access);
  for (const int fd : {in_fd, out_fd}) {
    if (auto r = take_over(fd); !r) return r;
  }
  return add_session(FileDescriptor(in_fd), FileDescriptor(out_fd), access);
}

Result<void> QmpServer::State::add_session(FileDescriptor in, FileDescriptor out, Access access) {
  if (stopped_) return {};
  try {
    sessions_.push_back(std::make_unique<QmpSession>(host_, std::move(in), std::move(out), access));
    return {};
  } catch (const std::bad_alloc&) {
    return std::unexpected(Error::out_of_memory());
  }
}

void QmpServer::State::close_session(const QmpSession& session) {
  const auto is_it = [&](const auto& each) { return each.get() == &session; };
  const auto it = std::ranges::find_if(sessions_, is_it);
  // Removed from the list first, so that functions called by the session's destructor do not find it there.
  const auto gone = std::move(*it);
  sessions_.erase(it);
}

void QmpServer::State::limit_event_rate(std::string name, std::string key) {
  throttle_.limit(std::move(name), std::move(key));
  if (!delayed_events_) {
    delayed_events_ = std::make_unique<FdSource>(host_.context, [this] { send_delayed_events(); });
  }
}

void QmpServer::State::send_event(std::string_view name, const Json& data) {
  const auto line = throttle_.pass(name, data, qmp_event_line(name, data), g_get_monotonic_time());
  if (line) send_event_line(name, *line);
  if (delayed_events_) delayed_events_->set_ready_time(throttle_.next_due_us());
}

// The name that clients must subscribe to if the event is sent on request only; otherwise empty.
std::string_view QmpServer::State::requested_as(std::string_view name) const {
  const auto event = host_.registry.events().find(name);
  const bool on_request = event != host_.registry.events().end() && event->second.on_request;
  return on_request ? name : "";
}

bool QmpServer::State::is_event_wanted(std::string_view name) const {
  const std::string_view requested = requested_as(name);
  return std::ranges::any_of(sessions_, [&](const auto& session) { return session->wants_event(requested); });
}

void QmpServer::State::send_event_line(std::string_view name, const std::string& line) {
  const std::string_view requested = requested_as(name);
  for (const auto& session : sessions_) {
    try {
      session->send_event(line, requested);
    } catch (const std::bad_alloc&) {
      ++dropped_events_;
    }
  }
}

void QmpServer::State::send_delayed_events() {
  try {
    for (const auto& due : throttle_.take_due(g_get_monotonic_time())) send_event_line(due.name, due.line);
  } catch (const std::bad_alloc&) {
    ++dropped_events_;
  }
  delayed_events_->set_ready_time(throttle_.next_due_us());
}

void QmpServer::State::note_dropped_events(std::uint64_t count) {
  dropped_events_ += count;
  slow_clients_.log(fmt::format("a QMP client read too slowly: {} events dropped", count), count);
}

void QmpServer::State::send_rest() {
  const std::int64_t deadline_us = g_get_monotonic_time() + kFlushTimeoutUs;
  for (const auto& session : sessions_) session->send_rest(deadline_us);
}

void QmpServer::State::stop() {
  stopped_ = true;
  listeners_.clear();
  for (const auto& session : sessions_) session->stop();
}

QmpServer::QmpServer(CommandRegistry& commands, GMainContext* context, std::size_t output_limit_bytes)
    : state_(std::make_unique<State>(context, commands, output_limit_bytes)) {}
QmpServer::~QmpServer() = default;
Result<void> QmpServer::listen(const std::string& path, Access access) {
  return state_->listen(path, access);
}
Result<void> QmpServer::serve(int socket_fd, Access access) { return state_->serve(socket_fd, access); }
Result<void> QmpServer::add_client(int socket_fd, Access access) {
  return state_->add_client(socket_fd, access);
}
Result<void> QmpServer::add_client(int in_fd, int out_fd, Access access) {
  return state_->add_client(in_fd, out_fd, access);
}
void QmpServer::limit_event_rate(std::string name, std::string key) {
  state_->limit_event_rate(std::move(name), std::move(key));
}
void QmpServer::set_client_limit(std::size_t limit) { state_->set_client_limit(limit); }
std::size_t QmpServer::client_count() const { return state_->client_count(); }
std::uint64_t QmpServer::dropped_event_count() const { return state_->dropped_event_count(); }

}  // namespace qomio
