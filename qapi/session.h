// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "qomio/qapi/command.h"
#include "qomio/qapi/describe.h"
#include "qomio/qapi/visitor.h"

namespace qomio {

class CommandRegistry;

// The process at the other end of a connection, as the kernel knew it when the connection was made.
struct Peer {
  uid_t uid = 0;
  pid_t pid = 0;  // 0 if the process is in another PID namespace
};

// How a session begins.
struct SessionOptions {
  Access access = Access::full;
  std::optional<Peer> peer = {};
  // Receives the events of Session::emit(), in the main thread.
  std::function<void(std::string_view name, const Json& data)> on_event = {};
};

// One client of a CommandRegistry, from its first to its last command. Commands learn from it who calls them,
// change what the client may do, and store what belongs to this client alone:
//
//     struct Login {
//       std::string user;
//     };
//     Result<void> login(const LoginArguments& arguments, Session& session) {
//       if (!is_password(arguments)) return error(kLoginFailed, "wrong user or password");
//       session.data<Login>().user = arguments.user;
//       session.set_access(Access::full);
//       return {};
//     }
//     commands.add(command("login", "logs in", login).query());
//
// A QmpServer opens a session for each connection and closes it when the client leaves. Programs and tests
// can open others with CommandRegistry::open_session().
//
// A handler that answers later keeps the session by shared_from_this(). The session may close meanwhile: then
// its data is destroyed and its events are dropped.
//
// Thread-safe, except data().
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Unique within the registry; never used again.
  std::uint64_t id() const { return id_; }
  // Nothing if the client is not connected by a Unix socket. Of a socket that the program was given, it is
  // the process that connected it, or that created the pair.
  const std::optional<Peer>& peer() const { return peer_; }

  // What the client may do. A change applies from the next command on, also to requests that wait.
  Access access() const { return access_.load(std::memory_order_relaxed); }
  void set_access(Access access) { access_.store(access, std::memory_order_relaxed); }

  // False once the client has left.
  bool is_open() const { return open_.load(std::memory_order_acquire); }

  // Returns the T of this session, made by T's default constructor when it is first asked for. When the
  // session closes, the main thread destroys the data, the newest first, after commands that still run have
  // been cancelled. If a closed session is asked, it makes a new T, which is destroyed with the last pointer
  // to the session.
  //
  // Thread: the main thread.
  template <class T>
  T& data() {
    static_assert(std::is_object_v<T> && std::is_default_constructible_v<T>,
                  "the data of a session is a type with a default constructor");
    return *static_cast<T*>(
        data_of(typeid(T), [] -> std::shared_ptr<void> { return std::make_shared<T>(); }));
  }

  // Like CommandRegistry::emit(), but sends the event to this client alone, even if the event is sent on
  // request and the client has not subscribed. Limits to the rate of events do not apply.
  void emit(std::string_view name, const Json& data);
  void emit(std::string_view name);  // without data
  template <class T>
    requires internal::Struct<T>
  void emit(std::string_view name, const T& data) {
    emit_written(name, internal::visit_value<T>, &data);
  }

 private:
  friend class CommandRegistry;
  friend struct CloseSession;
  struct Data {
    const std::type_info* type;
    std::shared_ptr<void> value;
  };

  Session(const CommandRegistry& registry, std::uint64_t id, SessionOptions options);
  void* data_of(const std::type_info& type, std::shared_ptr<void> (*make)());
  void emit_written(std::string_view name, internal::VisitValue write, const void* value);
  void receive(std::string_view name, const Json& data);
  void close();

  const CommandRegistry& registry_;  // used only while the session is open
  const std::uint64_t id_;
  const std::optional<Peer> peer_;
  const std::function<void(std::string_view name, const Json& data)> on_event_;
  std::atomic<Access> access_;
  std::atomic<bool> open_ = true;
  std::vector<Data> data_;  // oldest first
};

// Owns an open session, and closes it when destroyed or reset. Thread: the main thread.
struct CloseSession {
  std::shared_ptr<Session> session;
  void operator()(Session*) {
    if (const auto closed = std::exchange(session, nullptr)) closed->close();
  }
};
using OpenSession = std::unique_ptr<Session, CloseSession>;

}  // namespace qomio
