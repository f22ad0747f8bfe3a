// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "qomio/qapi/json.h"
#include "qomio/qapi/standard_streams.h"
#include "qomio/tools/qomctl/json_member.h"
#include "qomio/tools/qomctl/printable.h"

namespace qomio::qomctl {

namespace {

std::string words_for(int number) { return std::generic_category().message(number); }

double seconds(std::chrono::milliseconds time) { return std::chrono::duration<double>(time).count(); }

// Returns a value of type `discarded` if the line is not JSON, or is nested so deeply that printing it could
// overflow the stack.
Json parse(std::string_view line) {
  constexpr int kMaxDepth = 1024;
  bool is_too_deep = false;
  const auto look = [&](int depth, Json::parse_event_t, const Json&) {
    is_too_deep |= depth > kMaxDepth;
    return !is_too_deep;
  };
  Json value = Json::parse(line, look, /*allow_exceptions=*/false);
  return is_too_deep ? Json(Json::value_t::discarded) : value;
}

// A server that quits may close the connection before it sends a reply.
bool tells_server_to_end(std::string_view request) {
  const auto json = parse_json(request);  // accepts everything that the server accepts
  if (!json) return false;
  return string_member(*json, "execute") == "quit" || string_member(*json, "exec-oob") == "quit";
}

}  // namespace

Connection::Connection(int descriptor, std::string path, const ConnectionOptions& options)
    : descriptor_(descriptor), path_(std::move(path)), options_(options) {}

Connection::Connection(Connection&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      options_(other.options_),
      greeting_(std::move(other.greeting_)),
      received_(std::move(other.received_)),
      kept_events_(std::move(other.kept_events_)) {}

Connection::~Connection() {
  if (descriptor_ >= 0) close(descriptor_);
}

Outcome<Connection> Connection::open(const std::string& path, const ConnectionOptions& options) {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail(ExitStatus::no_connection, "can't make a socket: {}", words_for(errno));
  Connection connection(descriptor, path, options);
  if (auto connected = connection.connect_to_server(); !connected) return failure(connected);
  if (auto negotiated = connection.negotiate(); !negotiated) return failure(negotiated);
  return connection;
}

Outcome<> Connection::connect_to_server() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.empty() || path_.size() >= sizeof address.sun_path) {
    return fail(ExitStatus::no_connection, "can't connect to '{}': a socket's path has 1 to {} bytes", path_,
                sizeof address.sun_path - 1);
  }
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);

  // connect() waits while the server's backlog is full; the send time-out bounds that wait.
  const auto whole_seconds = std::chrono::duration_cast<std::chrono::seconds>(options_.timeout);
  timeval limit{};
  limit.tv_sec = whole_seconds.count();
  limit.tv_usec = std::chrono::microseconds(options_.timeout - whole_seconds).count();
  (void)setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);

  const Deadline until = deadline();
  while (connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int reason = errno;
    if (reason == EAGAIN || reason == EINPROGRESS) {
      return fail(ExitStatus::time_out, "'{}' did not accept a connection within {} s", path_,
                  seconds(options_.timeout));
    }
    const bool not_yet_up = reason == ENOENT || reason == ECONNREFUSED;
    const bool time_left = !until || std::chrono::steady_clock::now() < *until;
    if (!options_.wait_for_server || !not_yet_up || !time_left) {
      return fail(ExitStatus::no_connection, "can't connect to '{}': {}", path_, words_for(reason));
    }
    constexpr int kBetweenTriesMs = 10;
    (void)poll(nullptr, 0, kBetweenTriesMs);
  }
  return {};
}

Outcome<> Connection::negotiate() {
  auto line = receive_line(deadline());
  if (!line) {
    if (line.error().status == ExitStatus::time_out) {
      line.error().message = fmt::format(
          "no greeting from '{}' within {} s (a server that serves one client at a time may be busy)", path_,
          seconds(options_.timeout));
    }
    return failure(line);
  }
  const Json greeting = parse(*line);
  if (!greeting.is_object() || !greeting.contains("QMP")) {
    return fail(ExitStatus::no_connection, "'{}' is not a QMP server: its first line is not a QMP greeting",
                path_);
  }
  greeting_ = greeting["QMP"].dump();
  auto accepted = execute("qmp_capabilities");
  if (!accepted) return failure(accepted);
  return {};
}

Connection::Deadline Connection::deadline() const {
  if (options_.timeout.count() == 0) return std::nullopt;
  return std::chrono::steady_clock::now() + options_.timeout;
}

Outcome<> Connection::wait_for(short poll_events, const Deadline& deadline) const {
  while (true) {
    int wait_ms = -1;
    if (deadline) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
      // At most a day per call, so that the number fits into poll()'s int.
      wait_ms = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 86'400'000));
    }
    pollfd entry{.fd = descriptor_, .events = poll_events, .revents = 0};
    const int ready = poll(&entry, 1, wait_ms);
    if (ready > 0) return {};
    if (ready == 0 && deadline && std::chrono::steady_clock::now() >= *deadline) {
      return fail(ExitStatus::time_out, "no answer from '{}' within {} s", path_, seconds(options_.timeout));
    }
    if (ready < 0 && errno != EINTR) return fail(ExitStatus::no_connection, "poll: {}", words_for(errno));
  }
}

Outcome<> Connection::send_line(std::string_view text) {
  if (options_.trace) print_error(fmt::format("-> {}\n", printable(text)));
  std::string line(text);
  line += '\n';
  const Deadline until = deadline();
  std::size_t sent = 0;
  while (sent < line.size()) {
    const ssize_t count =
        send(descriptor_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      if (auto writable = wait_for(POLLOUT, until); !writable) return writable;
    } else if (errno != EINTR) {
      return fail(ExitStatus::no_connection, "lost the connection to '{}': {}", path_, words_for(errno));
    }
  }
  return {};
}

// A message is a line: both QEMU and qomiod write each message as one line that ends in CR LF.
Outcome<std::string> Connection::receive_line(const Deadline& deadline) {
  std::size_t searched = 0;
  while (true) {
    const std::size_t end = received_.find('\n', searched);
    if (end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      if (options_.trace) print_error(fmt::format("<- {}\n", printable(line)));
      return line;
    }
    searched = received_.size();
    if (auto readable = wait_for(POLLIN, deadline); !readable) return failure(readable);
    char bytes[65536];
    const ssize_t count = recv(descriptor_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0) {
      received_.append(bytes, static_cast<std::size_t>(count));
    } else if (count == 0) {
      has_ended_ = true;
      return fail(ExitStatus::no_connection, "'{}' closed the connection", path_);
    } else if (errno != EAGAIN && errno != EINTR) {
      has_ended_ = errno == ECONNRESET;
      return fail(ExitStatus::no_connection, "lost the connection to '{}': {}", path_, words_for(errno));
    }
  }
}

Outcome<Json> Connection::receive_message(const Deadline& deadline, bool want_event) {
  while (true) {
    auto line = receive_line(deadline);
    if (!line) return failure(line);
    if (line->empty()) continue;
    Json message = parse(*line);
    if (!message.is_object()) {
      return fail(ExitStatus::no_connection, "'{}' sent something that is not a QMP message: {}", path_,
                  *line);
    }
    const bool is_event = message.contains("event");
    if (is_event == want_event) return message;
    if (is_event) kept_events_.push_back(std::move(*line));
  }
}

Outcome<Json> Connection::exchange(std::string_view text) {
  if (auto sent = send_line(text); !sent) return failure(sent);
  auto reply = receive_message(deadline(), /*want_event=*/false);
  if (!reply && has_ended_ && tells_server_to_end(text)) return Json();
  return reply;
}

Outcome<Json> Connection::execute(std::string_view command, const Json& arguments) {
  Json request{{"execute", command}};
  if (!arguments.empty()) request["arguments"] = arguments;
  // Bytes from the command line that are not UTF-8 become U+FFFD; by default, dump() would throw.
  auto reply = exchange(request.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!reply) return reply;
  if (reply->is_null()) return Json::object();  // the server has quit, as requested
  if (auto value = reply->find("return"); value != reply->end()) return Json(std::move(*value));
  if (auto error = reply->find("error"); error != reply->end() && error->is_object()) {
    return std::unexpected(
        Failure{ExitStatus::server_error, string_member(*error, "desc"), string_member(*error, "class")});
  }
  return fail(ExitStatus::no_connection, "'{}' sent something that is not a QMP reply: {}", path_,
              reply->dump());
}

Outcome<Json> Connection::execute(std::string_view command) { return execute(command, Json::object()); }

Outcome<Json> Connection::next_event() {
  if (!kept_events_.empty()) {
    Json event = parse(kept_events_.front());
    kept_events_.erase(kept_events_.begin());
    return event;
  }
  return receive_message(std::nullopt, /*want_event=*/true);
}

}  // namespace qomio::qomctl
