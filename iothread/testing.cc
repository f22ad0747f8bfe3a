// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/testing.h"

#include <glib.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "qomio/iothread/internal/clock.h"
#include "qomio/iothread/internal/loop.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/object/global_defaults.h"
#include "qomio/object/object_commands.h"
#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/qmp_server.h"

namespace qomio {

TestClock::TestClock() : time_(std::make_unique<internal::TestTime>()) {
  invariant(!internal::test_time.load(), "a TestClock is created while another one exists");
  time_->monotonic_ns = clock_now_ns(ClockType::monotonic);
  time_->realtime_ns = clock_now_ns(ClockType::realtime);
  internal::test_time = time_.get();
}

TestClock::~TestClock() { internal::test_time = nullptr; }

void TestClock::advance(std::chrono::nanoseconds time) {
  invariant(time.count() >= 0, "TestClock::advance() is called with a negative time");
  time_->monotonic_ns += time.count();
  time_->realtime_ns += time.count();
}

namespace {

// The client's end of a connection to a QmpServer of this thread.
class QmpConnection {
 public:
  QmpConnection(QmpServer& server, GMainContext* context) : context_(context) {
    std::array<int, 2> ends = {-1, -1};
    const bool made = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0;
    invariant(made && server.add_client(ends[0]), "a TestProgram cannot connect to its server");
    end_.reset(ends[1]);
    (void)next_message();  // the greeting
  }

  void send(std::string_view line) {
    const std::string text = std::string(line) + '\n';
    for (std::size_t sent = 0; sent < text.size();) {
      const ssize_t count =
          ::send(end_.get(), text.data() + sent, text.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count > 0) sent += static_cast<std::size_t>(count);
      if (count < 0 && errno != EAGAIN) return;  // closed
      if (count < 0) g_main_context_iteration(context_, TRUE);
    }
  }
  // Runs the server until a message has come; null: it has closed the connection.
  Json next_message() {
    for (;;) {
      if (auto message = take_message()) return std::move(*message);
      if (!receive()) return nullptr;
    }
  }
  // A message that has been received.
  std::optional<Json> take_message() {
    const std::size_t end = received_.find('\n');
    if (end == std::string::npos) return std::nullopt;
    Json message = Json::parse(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(end));
    received_.erase(0, end + 1);
    return message;
  }
  // Receives what has come, and lets the server run if that is nothing. Returns false at the end.
  bool receive() {
    if (const auto size = receive_now(); size != 0) return size > 0;
    g_main_context_iteration(context_, TRUE);
    return true;
  }
  // Returns the number of bytes received; 0: nothing to receive now; -1: the connection has ended.
  ssize_t receive_now() {
    std::array<char, 65536> buffer;
    const ssize_t size = ::recv(end_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return 0;
    if (size <= 0) return -1;
    received_.append(buffer.data(), static_cast<std::size_t>(size));
    return size;
  }

 private:
  GMainContext* const context_;
  FileDescriptor end_;
  std::string received_;
};

}  // namespace

// Members are destroyed in reverse: the client, the server, and the objects, which use everything else.
struct TestProgram::State {
  TestClock clock;
  MainLoop main_loop = MainLoop::create({}).value();
  CommandRegistry commands;
  std::vector<const TypeInfo*> types;
  std::optional<PrivateTree> tree = std::make_optional<PrivateTree>();
  std::optional<QmpServer> server;
  std::optional<QmpConnection> client;
  std::vector<Json> events;

  QmpConnection& connection() {
    if (!server) server.emplace(commands, main_loop.g_main_context());
    if (!client) {
      client.emplace(*server, main_loop.g_main_context());
      client->send(R"({"execute": "qmp_capabilities"})");
      (void)client->next_message();
    }
    return *client;
  }

  // The loops of all I/O threads.
  static std::vector<AioContext*> other_loops() {
    std::vector<AioContext*> loops;
    for (Object* const root : {&object_root(), &internal_root()}) {
      object_child_foreach_recursive(*root, [&loops](Object& object) {
        if (auto* const thread = object_cast<IOThread>(&object)) loops.push_back(&thread->context());
        return 0;
      });
    }
    return loops;
  }

  // In ns; 0: there is something to do; -1: there is no timer.
  static std::int64_t timeout_of(AioContext& loop) {
    std::int64_t timeout = -1;
    loop.run_in([&] { timeout = internal::Loop::of(loop).compute_timeout(); });
    return timeout;
  }
  std::int64_t shortest_timeout() {
    std::int64_t shortest = timeout_of(main_loop.context());
    for (AioContext* const loop : other_loops()) {
      const std::int64_t timeout = timeout_of(*loop);
      if (timeout >= 0 && (shortest < 0 || timeout < shortest)) shortest = timeout;
    }
    return shortest;
  }
};

TestProgram::TestProgram() : state_(std::make_unique<State>()) {
  register_iothread_types();
  add_object_commands(state_->commands);
  add_iothread_commands(state_->commands, state_->main_loop);
}

TestProgram::~TestProgram() {
  state_->client.reset();
  state_->server.reset();
  state_->tree.reset();
  std::ranges::reverse(state_->types);
  for (const TypeInfo* const type : state_->types) {
    const auto taken = unregister_type(*type);
    if (!taken) broken_invariant(taken.error().message());
  }
  remove_global_defaults();
}

void TestProgram::register_type(const TypeInfo& info) {
  const auto registered = qomio::register_type(info);
  if (!registered) broken_invariant(registered.error().message());
  if (std::ranges::find(state_->types, &info) == state_->types.end()) state_->types.push_back(&info);
}

CommandRegistry& TestProgram::commands() { return state_->commands; }
MainLoop& TestProgram::main_loop() { return state_->main_loop; }

void TestProgram::run_ready() {
  for (bool ran = true; ran;) {
    for (AioContext* const loop : State::other_loops()) {
      // Calls of the same iteration may run after the one that asks, so twice.
      for (int idle = 0; idle < 2;) idle = State::timeout_of(*loop) == 0 ? 0 : idle + 1;
    }
    for (ran = false; g_main_context_iteration(main_loop().g_main_context(), FALSE);) ran = true;
  }
}

void TestProgram::advance(std::chrono::nanoseconds time) {
  run_ready();
  for (std::int64_t left = time.count();;) {
    const std::int64_t next = state_->shortest_timeout();
    const std::int64_t step = next < 0 ? left : std::min(left, std::max<std::int64_t>(next, 1));
    state_->clock.advance(std::chrono::nanoseconds(step));
    run_ready();
    left -= step;
    if (left == 0) return;
  }
}

Json TestProgram::qmp(std::string_view request) {
  state_->connection().send(request);
  for (;;) {
    Json message = state_->client->next_message();
    if (message.is_null()) {
      state_->client.reset();
      return message;
    }
    if (!message.contains("event")) return message;
    state_->events.push_back(std::move(message));
  }
}

Json TestProgram::qmp(std::string_view command, const Json& arguments) {
  return qmp(json_text(Json{{"execute", command}, {"arguments", arguments}}));
}

std::vector<Json> TestProgram::take_events() {
  run_ready();
  QmpConnection& connection = state_->connection();
  while (connection.receive_now() > 0) {
  }
  while (auto message = connection.take_message()) state_->events.push_back(std::move(*message));
  return std::exchange(state_->events, {});
}

}  // namespace qomio
