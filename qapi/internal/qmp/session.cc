// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/qmp/session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/internal/qmp/commands.h"
#include "qomio/qapi/internal/socket_options.h"
#include "qomio/qapi/introspection.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/text.h"

namespace qomio {

namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kParsedAtATime = 16 << 10;
constexpr std::size_t kLongestCommand = 4 << 10;  // longer than any name; keeps errors that repeat it short
constexpr std::size_t kLongestError = 1 << 20;
constexpr std::size_t kMostWaiting = 8;
constexpr int kMostInATurn = 32;
constexpr std::int64_t kTurnUs = 50;

// The process at the other end; nothing if the descriptor is not a Unix socket, of which the user is -1.
std::optional<Peer> peer_of(int fd) {
  const auto peer = internal::socket_peer(fd);
  if (!peer || peer->uid == static_cast<uid_t>(-1)) return std::nullopt;
  return Peer{peer->uid, peer->pid};
}

// Limits the length of an error's message, which may repeat input of the client.
Error shortened(const Error& error) {
  if (error.message().size() <= kLongestError) return error;
  Error result(error.error_class(), std::string(utf8_prefix(error.message(), kLongestError)) + "...");
  result.set_data(error.data());
  return result;
}

}  // namespace

// A command that answers later and has not answered yet.
struct QmpSession::Running {
  QmpSession* session;
  QmpRequest request;
  bool is_large;
  bool no_success_response;
  bool ends_server;
  std::function<void()> cancel;
};

// An answer on its way to the server's thread. The session may be destroyed before it arrives. Created
// together with its source when the command starts, so that sending the answer needs no memory.
struct QmpSession::Arrival {
  std::weak_ptr<Running> running;
  Result<Json> answer;

  explicit Arrival(std::weak_ptr<Running> r) : running(std::move(r)) {}
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;
  ~Arrival() { clear_json_in(answer); }

  static gboolean deliver(gpointer self) {
    const auto& arrival = *static_cast<Arrival*>(self);
    if (const auto running = arrival.running.lock()) running->session->finish_running(arrival.answer);
    return G_SOURCE_REMOVE;
  }
};

QmpSession::QmpSession(QmpSessionHost& host, FileDescriptor in, FileDescriptor out, Access access)
    : host_(host),
      in_(std::move(in)),
      out_(std::move(out)),
      source_(host.context, [this] { turn(); }),
      buffer_(std::make_unique_for_overwrite<char[]>(kReadBytes)),
      output_(host.output_limit_bytes, host.disposal),
      session_(host.registry.open_session({.access = access,
                                           .peer = peer_of(in_.get()),
                                           .on_event = [this](std::string_view name, const Json& data) {
                                             send_event(qmp_event_line(name, data));
                                           }})) {
  parser_.dispose_into(host.disposal);
  output_.add_reply(qmp_greeting_line(VersionInfo{.package = host_.registry.package()}));
  // Nothing after this needs memory, so the constructor does not throw and the destructor restores the flags.
  if (!is_socket()) {
    old_out_flags_ = fcntl(out_.get(), F_GETFL);
    fcntl(out_.get(), F_SETFL, old_out_flags_ | O_NONBLOCK);
  }
  send_output();
  update_watches();
}

QmpSession::~QmpSession() {
  give_up_requests();
  session_.reset();
  report_dropped_events();
  // Other processes may share the open file of a terminal or pipe, and expect its old flags.
  if (!is_socket() && getpid() == host_.process) fcntl(out_.get(), F_SETFL, old_out_flags_);
}

std::size_t QmpSession::most_waiting() const { return oob_enabled_ ? kMostWaiting : 1; }

bool QmpSession::wants_event(std::string_view requested_as) const {
  if (!negotiated_ || broken_) return false;
  return requested_as.empty() || requested_events_.contains(requested_as);
}

void QmpSession::send_event(const std::string& line, std::string_view requested_as) {
  if (!wants_event(requested_as)) return;
  output_.add_event(line);
  // Within a turn, the rest of the turn sends it. Otherwise, if sending fails, the next turn ends the
  // session.
  if (in_turn_) return;
  if (!output_.is_blocked()) send_output();
  update_watches();
}

void QmpSession::stop() {
  stopped_ = true;
  input_ = {};
  give_up_requests();
  if (!in_turn_) update_watches();
}

void QmpSession::give_up_requests() {
  for (Waiting& each : waiting_) {
    if (each.is_large) dispose_of(each.request);
  }
  waiting_.clear();
  cancel_running();
}

void QmpSession::turn() {
  const CommandRegistry::Running running(host_.registry, "a request of a QMP client");
  in_turn_ = true;
  bool stays = false;
  try {
    stays = serve();
  } catch (const std::exception& problem) {
    try {
      host_.failed(problem.what());
    } catch (const std::bad_alloc&) {
      stays = false;  // no memory to log it
    }
  }
  in_turn_ = false;
  if (!stays) host_.closed(*this);  // destroys this
}

// Returns false if the session is over.
bool QmpSession::serve() {
  if (broken_ || hung_up()) return false;
  send_output();
  if (!stopped_ && !output_.over_limit()) {
    read_input();
    answer_some();
    send_output();
  }
  const bool done =
      input_ended_ && input_.empty() && waiting_.empty() && !running_ && output_.unsent_bytes() == 0;
  if (broken_ || done) return false;
  update_watches();
  return true;
}

bool QmpSession::hung_up() const {
  if (is_socket()) return (source_.ready(in_watch_) & (G_IO_HUP | G_IO_ERR | G_IO_NVAL)) != 0;
  return (source_.ready(out_watch_) & (G_IO_ERR | G_IO_NVAL)) != 0;
}

void QmpSession::read_input() {
  if (!input_.empty() || input_ended_ || waiting_.size() >= most_waiting()) return;
  if ((source_.ready(in_watch_) & (G_IO_IN | G_IO_HUP | G_IO_ERR)) == 0) return;
  ssize_t n = 0;
  do {
    n = is_socket() ? recv(in_.get(), buffer_.get(), kReadBytes, MSG_DONTWAIT)
                    : read(in_.get(), buffer_.get(), kReadBytes);
  } while (n < 0 && errno == EINTR);
  if (n > 0) {
    input_ = std::string_view(buffer_.get(), static_cast<std::size_t>(n));
  } else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
    input_ended_ = true;
  }
}

// Requests answered in one turn share its system calls, which cost more than most requests.
void QmpSession::answer_some() {
  const std::int64_t end_us = g_get_monotonic_time() + kTurnUs;
  int left = kMostInATurn;
  do {
    parse_input(left, end_us);
    if (waiting_.empty() || running_ || output_.over_limit()) return;
    Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    answer(std::move(waiting));
  } while (--left > 0 && g_get_monotonic_time() < end_us);
}

void QmpSession::parse_input(int& left, std::int64_t end_us) {
  while (!input_.empty() && waiting_.size() < most_waiting() && left > 0 && !output_.over_limit()) {
    std::string_view piece = input_.substr(0, kParsedAtATime);
    const std::size_t size = piece.size();
    auto value = parser_.next(piece);
    input_.remove_prefix(size - piece.size());
    if (!value) {
      if (input_.empty() || g_get_monotonic_time() >= end_us) break;
      continue;
    }
    const JsonClearer clearer(*value);
    Waiting waiting{qmp_request(std::move(*value), oob_enabled_), parser_.value_was_large()};
    if (waiting.is_large && *value) host_.disposal.take(std::move(**value));
    if (waiting.request.out_of_band) {
      --left;
      answer(std::move(waiting));
      if (stopped_) break;
    } else {
      waiting_.push_back(std::move(waiting));
    }
  }
}

void QmpSession::dispose_of(QmpRequest& request) {
  host_.disposal.take(std::move(request.command));
  host_.disposal.take(std::move(request.arguments));
  if (request.id) host_.disposal.take(std::move(*request.id));
}

void QmpSession::answer(Waiting waiting) {
  dispatch(waiting.request, waiting.is_large);
  if (waiting.is_large) dispose_of(waiting.request);
}

void QmpSession::dispatch(QmpRequest& request, bool is_large) {
  const auto finish = [&](const Result<Json>& result) { this->finish(request, result, is_large); };
  if (request.error) return finish(std::unexpected(*request.error));
  if (!negotiated_) return finish(negotiate(request));
  if (request.command.size() > kLongestCommand) {
    return finish(error(ErrorClass::CommandNotFound, "The command {}... has not been found",
                        utf8_prefix(request.command, kLongestCommand)));
  }
  const auto allowed = host_.registry.allowed_command(request.command, session_->access());
  if (!allowed) return finish(std::unexpected(allowed.error()));
  const Command& command = **allowed;
  if (request.out_of_band && !command.allow_oob) {
    return finish(error("The command {} does not support OOB", request.command));
  }
  if (command.name == kSubscribeEvents) return finish(subscribe(request));
  if (command.start) return start(command, request, is_large);
  const bool ends_server = command.ends_server;  // the command may remove itself
  const bool is_answered = !command.no_success_response;
  auto result = host_.registry.run(command, request.arguments, *session_);
  const JsonClearer clearer(result);
  if (!result || is_answered) finish(result);
  if (result && ends_server) host_.ended();
}

void QmpSession::start(const Command& command, QmpRequest& request, bool is_large) {
  const auto running = std::make_shared<Running>(
      Running{this, std::move(request), is_large, command.no_success_response, command.ends_server, {}});
  const std::shared_ptr<GMainContext> context(
      host_.context ? g_main_context_ref(host_.context) : g_main_context_ref(g_main_context_default()),
      g_main_context_unref);
  auto arrival = std::make_unique<Arrival>(running);
  const std::shared_ptr<GSource> source(g_idle_source_new(), g_source_unref);
  g_source_set_priority(source.get(), G_PRIORITY_DEFAULT);
  Arrival* const arriving = arrival.get();
  g_source_set_callback(source.get(), Arrival::deliver, arrival.release(),
                        [](gpointer old) { delete static_cast<Arrival*>(old); });
  const Reply reply([arriving, source, context](Result<Json> answer) {
    arriving->answer = std::move(answer);
    if (g_main_context_is_owner(context.get())) {
      Arrival::deliver(arriving);
    } else {
      g_source_attach(source.get(), context.get());
    }
  });
  running_ = running;  // set first: if memory runs out below, destroying `reply` finishes the command
  running->cancel = reply.canceller();
  host_.registry.start(command, running->request.arguments, *session_, reply);
  // The arguments are needed only during the call; the id is kept for the answer.
  if (is_large) host_.disposal.take(std::move(running->request.arguments));
}

void QmpSession::finish_running(const Result<Json>& result) {
  const auto running = std::exchange(running_, nullptr);
  try {
    if (!result || !running->no_success_response) finish(running->request, result, running->is_large);
    if (result && running->ends_server) host_.ended();
  } catch (const std::bad_alloc&) {
    broken_ = true;  // the client cannot be answered; the next turn ends the session
  }
  // A new turn sends the answer and continues with the waiting requests.
  if (!in_turn_) source_.set_ready_time(0);
}

void QmpSession::cancel_running() {
  const auto running = std::exchange(running_, nullptr);
  if (!running) return;
  try {
    running->cancel();
  } catch (const std::bad_alloc&) {
    return;  // the command's cancel hook ran out of memory; the session is not affected
  }
  if (running->is_large && running->request.id) host_.disposal.take(std::move(*running->request.id));
}

void QmpSession::finish(QmpRequest& request, const Result<Json>& result, bool is_large) {
  const auto line = [&](const std::optional<Json>& id) {
    return result ? qmp_return_line(*result, id) : qmp_error_line(shortened(result.error()), id);
  };
  if (!is_large || !request.id) return output_.add_reply(line(request.id));
  // Splits the line that a small id would give. The id is first in errors and last in other replies.
  constexpr std::string_view kId = "\"id\": ";
  constexpr std::string_view kPlaceholder = "null";
  std::string before = line(Json());
  std::size_t at = before.starts_with('{' + std::string(kId)) ? 1 : before.rfind(kId);
  at += kId.size();
  std::string after = before.substr(at + kPlaceholder.size());
  before.resize(at);
  output_.add_reply(std::move(before), std::make_unique<JsonPieces>(std::move(*request.id), host_.disposal),
                    std::move(after));
}

Result<Json> QmpSession::subscribe(const QmpRequest& request) {
  auto subscription = from_json<EventSubscription>(request.arguments);
  if (!subscription) return failure(subscription);
  const auto& offered = host_.registry.events();
  for (const auto& name : subscription->events) {
    if (!offered.contains(name)) return error("Parameter 'events' does not accept value '{}'", name);
  }
  requested_events_ = {subscription->events.begin(), subscription->events.end()};
  return Json::object();
}

Result<Json> QmpSession::negotiate(const QmpRequest& request) {
  if (request.command != "qmp_capabilities") {
    return error(ErrorClass::CommandNotFound, "Expecting capabilities negotiation with 'qmp_capabilities'");
  }
  auto capabilities = from_json<QmpCapabilities>(request.arguments);
  if (!capabilities) return failure(capabilities);
  negotiated_ = true;
  oob_enabled_ = !capabilities->enable.empty();
  return Json::object();
}

void QmpSession::send_output() {
  if (!broken_ && !output_.send_to(out_fd(), is_socket())) broken_ = true;
  if (output_.unsent_bytes() == 0) report_dropped_events();
}

void QmpSession::send_rest(std::int64_t deadline_us) {
  while (has_unsent()) {
    const std::int64_t left_ms = (deadline_us - g_get_monotonic_time()) / 1000;
    pollfd fd{.fd = out_fd(), .events = POLLOUT, .revents = 0};
    if (left_ms <= 0 || ::poll(&fd, 1, static_cast<int>(left_ms)) == 0) return;
    send_output();
  }
}

void QmpSession::report_dropped_events() {
  const std::uint64_t dropped = output_.take_dropped_events();
  if (dropped == 0) return;
  host_.events_dropped(dropped);
}

void QmpSession::update_watches() {
  const bool open = !stopped_ && !output_.over_limit();
  const bool room = waiting_.size() < most_waiting();
  const bool wants_input = open && room && input_.empty() && !input_ended_;
  const bool wants_output = output_.unsent_bytes() > 0;
  const int in_condition = wants_input ? G_IO_IN : 0;
  if (is_socket()) {
    // Always watched, to detect that the client leaves.
    const int condition = in_condition | (wants_output ? G_IO_OUT : 0);
    if (in_watch_) {
      source_.change(in_watch_, condition);
    } else {
      in_watch_ = source_.watch(in_.get(), condition);
    }
  } else {
    // A pipe whose other end is closed stays ready, so it is watched only while that matters.
    if (wants_input && !in_watch_) in_watch_ = source_.watch(in_.get(), G_IO_IN);
    if (!wants_input && in_watch_) source_.remove(in_watch_);
    if (wants_output && !out_watch_) out_watch_ = source_.watch(out_.get(), G_IO_OUT);
    if (!wants_output && out_watch_) source_.remove(out_watch_);
  }
  const bool has_work = open && ((!waiting_.empty() && !running_) || (!input_.empty() && room));
  source_.set_ready_time(has_work || broken_ ? 0 : -1);
}

}  // namespace qomio
