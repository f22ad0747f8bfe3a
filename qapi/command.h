// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/visitor.h"

namespace qomio {

class Session;

// What a client may do.
enum class Access { full, read_only };
template <>
inline constexpr auto enum_description<Access> =
    EnumDescription("Access", value(Access::full, "full", "all commands"),
                    value(Access::read_only, "read-only", "only commands that change nothing"));

// The answer to one command, sent once: immediately, or later, when the command has done its work. Copies
// share the answer. If the last copy is destroyed before an answer was sent, the answer is the error
// `the command ended without an answer`.
//
// Thread-safe: any thread may send the answer.
class Reply {
 public:
  // Receives the answer, in the thread that sends it.
  using Deliver = std::function<void(Result<Json>)>;

  explicit Reply(Deliver deliver);

  // The first answer counts; later ones, and answers after cancel(), are dropped.
  void send(Result<Json> answer) const;
  void send(Error error) const;
  // Sends the value that `write` writes to the visitor, or the error that it returns.
  void send_written(const std::function<Result<void>(Visitor& result)>& write) const;

  // Returns true while the client waits: until the answer is sent or the client leaves.
  bool is_wanted() const;
  // Calls the hook once if the client leaves before the answer: in the server's thread, or, if the client has
  // left already, at once. The hook may abandon the work on the answer.
  void on_cancel(std::function<void()> hook) const;
  // Called by the receiver when it no longer wants the answer. Calls the hook.
  void cancel() const;
  // Returns cancel() as a function that does not keep the answer alive.
  std::function<void()> canceller() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// One call of a command that answers later.
struct CommandCall {
  Visitor& arguments;  // visits an object; valid only during the call
  Session& session;    // of the client; it may close after the call, see qapi/session.h
  Reply reply;
};

// A command that clients may call: its description and the function to run. A value, made by command():
//
//     Result<std::vector<IOThreadInfo>> query_iothreads();
//     Result<void> object_del(const ObjectDelArguments&);
//     commands.add(command("query-iothreads", "the I/O threads of users", query_iothreads));
//     commands.add(command("object-del", "deletes an object of a user", object_del));
//
// The argument is a described struct; the result is one, too, or another type that visit() accepts. If a
// handler takes or returns Json, it reads or creates the value itself; set `arguments` or `result` to a
// description of it.
struct Command {
  std::string name;
  std::string description;  // one line, no final full stop
  std::function<const TypeDescription&()> arguments;
  std::function<const TypeDescription&()> result;
  // Called in the main thread. Reads its arguments, always an object, and writes its result. The session is
  // the client's.
  std::function<Result<void>(Visitor& arguments, Visitor& result, Session& session)> run;
  // Called instead of `run` if the command answers later. Later requests of the client wait for the answer;
  // its out-of-band requests and other clients do not.
  std::function<void(const CommandCall& call)> start;

  bool is_query = false;             // changes nothing; clients with read-only access may call it
  bool allow_oob = false;            // may be sent with exec-oob; fast, never blocks, has no `start`
  bool no_success_response = false;  // only errors are sent to the client
  bool is_enabled = true;            // see CommandRegistry::enable_command()
  bool ends_server = false;          // after it succeeds, the server takes no further requests (quit)
  // Values of type `any` in its arguments are passed on to another reader, such as a property, which refuses
  // numbers that are too large for a double. command() sets it if the handler takes Json or
  // Arguments::passes_values_on exists.
  bool passes_values_on = false;
  std::vector<std::string> features;   // "deprecated", "unstable", or names of your own
  const char* running_text = nullptr;  // "command 'quit'", never freed; set by CommandRegistry::add()

  // Returns true if a client with this access may see and run the command.
  bool is_offered(Access access) const { return is_enabled && (is_query || access == Access::full); }

  Command&& query() && {
    is_query = true;
    return std::move(*this);
  }
  Command&& oob() && {
    allow_oob = true;
    return std::move(*this);
  }
  Command&& without_success_response() && {
    no_success_response = true;
    return std::move(*this);
  }
  Command&& last() && {
    ends_server = true;
    return std::move(*this);
  }
  Command&& feature(std::string name_of_feature) && {
    features.push_back(std::move(name_of_feature));
    return std::move(*this);
  }
};

// A Reply with a typed result, for handlers of commands that answer later. Thread-safe.
template <class T>
class Answer {
 public:
  explicit Answer(Reply reply) : reply_(std::move(reply)) {}
  // Like Reply::send().
  void send(Result<T> result) const;
  bool is_wanted() const { return reply_.is_wanted(); }
  void on_cancel(std::function<void()> hook) const { reply_.on_cancel(std::move(hook)); }

 private:
  Reply reply_;
};

namespace internal {

// What a handler takes and returns. is_later: it takes an Answer.
template <class R, class A, bool with_session, bool later>
struct HandlerForm {
  using Value = R;
  using Arguments = std::remove_cvref_t<A>;
  static constexpr bool takes_session = with_session;
  static constexpr bool is_later = later;
};
// The forms of a handler, by its result and its parameters.
template <class... Types>
struct Form;
template <class R>
struct Form<Result<R>> : HandlerForm<R, void, false, false> {};
template <class R, class A>
struct Form<Result<R>, A> : HandlerForm<R, A, false, false> {};
template <class R>
struct Form<Result<R>, Session&> : HandlerForm<R, void, true, false> {};
template <class R, class A>
struct Form<Result<R>, A, Session&> : HandlerForm<R, A, true, false> {};
template <class R>
struct Form<void, Answer<R>> : HandlerForm<R, void, false, true> {};
template <class R, class A>
struct Form<void, A, Answer<R>> : HandlerForm<R, A, false, true> {};
template <class R>
struct Form<void, Session&, Answer<R>> : HandlerForm<R, void, true, true> {};
template <class R, class A>
struct Form<void, A, Session&, Answer<R>> : HandlerForm<R, A, true, true> {};

// Parameters that a handler may write in another way.
template <class P>
struct Parameter : std::type_identity<P> {};
template <class R>
struct Parameter<const Answer<R>&> : std::type_identity<Answer<R>> {};
template <>
struct Parameter<const Session&> : std::type_identity<Session&> {};
// Those that no handler takes.
template <>
struct Parameter<Session>;
template <>
struct Parameter<std::shared_ptr<Session>>;

template <class T>
struct HandlerTraits;
template <class R, class... Ps>
  requires requires { typename Form<R, typename Parameter<Ps>::type...>::Arguments; }
struct HandlerTraits<R (*)(Ps...)> : Form<R, typename Parameter<Ps>::type...> {};

// The type of a handler as a function: that of the function, or of operator() of a function object.
template <class Handler>
struct HandlerType : std::type_identity<Handler> {};
template <class F, class R, class... As>
struct HandlerType<R (F::*)(As...)> : std::type_identity<R (*)(As...)> {};
template <class F, class R, class... As>
struct HandlerType<R (F::*)(As...) const> : std::type_identity<R (*)(As...)> {};
template <class Handler>
  requires requires { &Handler::operator(); }
struct HandlerType<Handler> : HandlerType<decltype(&Handler::operator())> {};

template <class Handler>
concept CommandHandler = requires { typename HandlerTraits<typename HandlerType<Handler>::type>::Arguments; };

template <class A>
const TypeDescription& describe_or_empty() {
  if constexpr (std::is_void_v<A>) {
    return empty_type();
  } else {
    return describe<A>();
  }
}

// Reads the arguments of a command that takes none: refuses any member.
Result<void> read_no_arguments(Visitor& arguments);

template <class A>
Result<A> read_arguments(Visitor& visitor) {
  if constexpr (std::is_void_v<A>) {
    return read_no_arguments(visitor);
  } else {
    A arguments{};
    const JsonClearer clearer(arguments);  // clears what was read before an error
    if (auto r = visit(visitor, {}, arguments); !r) return failure(r);
    return arguments;
  }
}

void write_no_result(Visitor& result);

template <class R>
Result<void> write_result(Result<R>& result, Visitor& visitor) {
  if (!result) return failure(result);
  if constexpr (std::is_void_v<R>) {
    write_no_result(visitor);
    return {};
  } else {
    return visit(visitor, {}, *result);
  }
}

// Calls the handler with the arguments and the session, if it takes them, followed by `more`.
template <class Traits, class Handler, class A, class... More>
auto call_handler(Handler& handler, Result<A>& arguments, Session& session, More... more) {
  if constexpr (std::is_void_v<A> && Traits::takes_session) {
    return handler(session, std::move(more)...);
  } else if constexpr (std::is_void_v<A>) {
    return handler(std::move(more)...);
  } else if constexpr (Traits::takes_session) {
    return handler(std::move(*arguments), session, std::move(more)...);
  } else {
    return handler(std::move(*arguments), std::move(more)...);
  }
}

// A command with these types. `run` and `start` are not set yet.
template <class A, class R>
Command described_command(std::string_view name, std::string_view description) {
  Command c;
  c.name = name;
  c.description = description;
  c.arguments = describe_or_empty<A>;
  c.result = describe_or_empty<R>;
  if constexpr (std::is_same_v<A, Json>) {
    c.passes_values_on = true;
  } else {
    c.passes_values_on = requires { A::passes_values_on; };
  }
  return c;
}

}  // namespace internal

template <class T>
void Answer<T>::send(Result<T> result) const {
  const JsonClearer clearer(result);
  reply_.send_written([&](Visitor& visitor) { return internal::write_result(result, visitor); });
}

// Makes a command from a handler: a function, a lambda or another function object. The handler returns the
// result, or returns nothing and sends the result later to its last parameter, an Answer:
//
//     Result<Measurement> measure(const MeasureArguments& arguments);
//     void measure(const MeasureArguments& arguments, Answer<Measurement> answer);
//
// A handler that takes a Session& after its arguments learns who calls it: see qapi/session.h.
//
//     Result<Measurement> measure(const MeasureArguments& arguments, Session& session);
//
// Copies of the command share the handler with its captures, which live as long as the command is offered or
// its handler runs. For coroutines see iothread/co_command.h.
template <class Handler>
Command command(std::string_view name, std::string_view description, Handler handler) {
  static_assert(
      internal::CommandHandler<Handler>,
      "a command handler is a Result<R>([Arguments,] [Session&]) or a void([Arguments,] [Session&,] "
      "Answer<R>), and not a template");
  if constexpr (internal::CommandHandler<Handler>) {
    using Traits = internal::HandlerTraits<typename internal::HandlerType<Handler>::type>;
    using Arguments = typename Traits::Arguments;
    using Value = typename Traits::Value;
    Command c = internal::described_command<Arguments, Value>(name, description);
    const auto shared = std::make_shared<Handler>(std::move(handler));
    if constexpr (Traits::is_later) {
      c.start = [shared](const CommandCall& call) {
        auto arguments = internal::read_arguments<Arguments>(call.arguments);
        const JsonClearer clearer(arguments);
        if (!arguments) return call.reply.send(arguments.error());
        internal::call_handler<Traits>(*shared, arguments, call.session, Answer<Value>(call.reply));
      };
    } else {
      c.run = [shared](Visitor& given, Visitor& written, Session& session) -> Result<void> {
        auto arguments = internal::read_arguments<Arguments>(given);
        const JsonClearer clearer(arguments);
        if (!arguments) return failure(arguments);
        auto result = internal::call_handler<Traits>(*shared, arguments, session);
        const JsonClearer result_clearer(result);
        return internal::write_result<Value>(result, written);
      };
    }
    return c;
  } else {
    return {};
  }
}

// Makes a command from a method of an object, which must outlive the command.
template <class Class, class R, class... Arguments>
Command command(std::string_view name, std::string_view description, R (Class::*method)(Arguments...),
                Class& object) {
  return command(name, description, [method, &object](Arguments... arguments) -> R {
    return (object.*method)(std::forward<Arguments>(arguments)...);
  });
}
template <class Class, class R, class... Arguments>
Command command(std::string_view name, std::string_view description, R (Class::*method)(Arguments...) const,
                const Class& object) {
  return command(name, description, [method, &object](Arguments... arguments) -> R {
    return (object.*method)(std::forward<Arguments>(arguments)...);
  });
}

}  // namespace qomio
