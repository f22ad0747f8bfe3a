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
#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/reply.h"

namespace qomio {

// What a client may do.
enum class Access { full, read_only };
template <>
inline constexpr auto enum_description<Access> = EnumDescription(
    "Access", EnumValue("full", "all commands"), EnumValue("read-only", "only commands that change nothing"));

// One call of a command that finishes later, or looks at who calls.
struct CommandCall {
  const Json& arguments;  // an object; only during the call
  Access access;          // the client's
  Reply reply;
};

// A command that clients may call: all that there is to know about it, and what to run. A value, made by
// command():
//
//     Result<std::vector<IOThreadInfo>> query_iothreads();
//     Result<void> object_del(const ObjectDelArguments&);
//     interface.add(command("query-iothreads", "the I/O threads that users made", query_iothreads));
//     interface.add(command("object-del", "deletes an object that a user made", object_del));
//
// The argument is a described struct; so is the result, or anything else that visit() takes.
struct Command {
  std::string name;
  std::string description;  // one line, no final stop
  std::function<const TypeDescription&()> arguments;
  std::function<const TypeDescription&()> result;
  // Runs in the main thread. `arguments` is an object, always.
  std::function<Result<Json>(const Json& arguments)> run;
  // In the place of `run`: gives the answer when it is there. Later requests of the client wait for it, those
  // out of band and other clients don't.
  std::function<void(const CommandCall& call)> start;

  bool is_query = false;               // changes nothing: open to clients whose access is read-only
  bool allow_oob = false;              // may be sent with exec-oob: fast, never waits, has no `start`
  bool no_success_response = false;    // clients hear of its errors only
  bool is_enabled = true;              // see Interface::enable_command()
  bool ends_server = false;            // after its success reply no server takes further requests (quit)
  std::vector<std::string> features;   // "deprecated", "unstable", or names of your own
  const char* running_text = nullptr;  // "command 'quit'", which stays valid; set by Interface::add()

  // May a client see and run it?
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

// The typed side of a Reply, for the handler of a command that answers later. Thread-safe.
template <class T>
class Answer {
 public:
  explicit Answer(Reply reply) : reply_(std::move(reply)) {}
  // As Reply::send().
  void send(Result<T> result) const;
  bool is_wanted() const { return reply_.is_wanted(); }
  void on_cancel(std::function<void()> hook) const { reply_.on_cancel(std::move(hook)); }

 private:
  Reply reply_;
};

namespace detail {

// What a handler's signature says; is_later: it gets an Answer.
template <class R, class A, bool later>
struct Signature {
  using Value = R;
  using Arguments = std::remove_cvref_t<A>;
  static constexpr bool is_later = later;
};
template <class T>
struct HandlerTraits;
template <class R>
struct HandlerTraits<Result<R> (*)()> : Signature<R, void, false> {};
template <class R, class A>
struct HandlerTraits<Result<R> (*)(A)> : Signature<R, A, false> {};
template <class R>
struct HandlerTraits<void (*)(Answer<R>)> : Signature<R, void, true> {};
template <class R, class A>
struct HandlerTraits<void (*)(A, Answer<R>)> : Signature<R, A, true> {};
template <class F, class R, class... As>
  requires requires { typename HandlerTraits<R (*)(As...)>::Arguments; }
struct HandlerTraits<R (F::*)(As...)> : HandlerTraits<R (*)(As...)> {};
template <class F, class R, class... As>
  requires requires { typename HandlerTraits<R (*)(As...)>::Arguments; }
struct HandlerTraits<R (F::*)(As...) const> : HandlerTraits<R (*)(As...)> {};

// The type that says what a handler takes and returns: a function's own, or that of an object's call.
template <class Handler>
struct HandlerType : std::type_identity<Handler> {};
template <class Handler>
  requires requires { &Handler::operator(); }
struct HandlerType<Handler> : std::type_identity<decltype(&Handler::operator())> {};

template <class Handler>
concept CommandHandler = requires { typename HandlerTraits<typename HandlerType<Handler>::type>::Arguments; };

// Refuses any member: for commands without arguments.
Result<void> no_arguments(const Json& arguments);

template <class A>
const TypeDescription& describe_or_empty() {
  if constexpr (std::is_void_v<A>) {
    return empty_type();
  } else {
    return describe<A>();
  }
}

// Arguments that say `static constexpr bool passes_values_on = true;` hand their `any` values to another
// reader, such as a property, and leave it to that to refuse numbers that are too large for a double.
template <class A>
Result<A> read_arguments(const Json& json) {
  if constexpr (std::is_void_v<A>) {
    return no_arguments(json);
  } else {
    constexpr bool passes_on = requires { A::passes_values_on; };
    return from_json<A>(json, {}, InputVisitor::Scalars::typed,
                        passes_on ? InputVisitor::Any::all : InputVisitor::Any::json);
  }
}

template <class R>
Result<Json> result_json(Result<R> result) {
  const JsonClearer clearer(result);
  if (!result) return failure(result);
  if constexpr (std::is_void_v<R>) {
    return Json::object();
  } else {
    return to_json(*result);
  }
}

// Calls the handler with the arguments, if it takes any, and what comes behind them.
template <class Handler, class A, class... More>
auto call_handler(Handler& handler, Result<A>& arguments, More... more) {
  if constexpr (std::is_void_v<A>) {
    return handler(std::move(more)...);
  } else {
    return handler(std::move(*arguments), std::move(more)...);
  }
}

// A command of these types, with nothing to run yet.
template <class A, class R>
Command described_command(std::string_view name, std::string_view description) {
  Command c;
  c.name = name;
  c.description = description;
  c.arguments = describe_or_empty<A>;
  c.result = describe_or_empty<R>;
  return c;
}

}  // namespace detail

template <class T>
void Answer<T>::send(Result<T> result) const {
  reply_.send(detail::result_json(std::move(result)));
}

// Makes a command of a handler: a function, a lambda or another object that can be called. It returns the
// result, or it returns nothing and sends it to an Answer, its last parameter, later:
//
//     Result<Measurement> measure(const MeasureArguments& arguments);
//     void measure(const MeasureArguments& arguments, Answer<Measurement> answer);
//
// What a handler captures lives as long as the command is offered or runs; copies of the command share it.
// For coroutines see iothread/iothread_commands.h.
template <class Handler>
Command command(std::string_view name, std::string_view description, Handler handler) {
  static_assert(
      detail::CommandHandler<Handler>,
      "a command handler is a Result<R>(), Result<R>(Arguments), void(Answer<R>) or void(Arguments, "
      "Answer<R>), and not a template");
  if constexpr (detail::CommandHandler<Handler>) {
    using Traits = detail::HandlerTraits<typename detail::HandlerType<Handler>::type>;
    using Arguments = typename Traits::Arguments;
    using Value = typename Traits::Value;
    Command c = detail::described_command<Arguments, Value>(name, description);
    const auto shared = std::make_shared<Handler>(std::move(handler));
    if constexpr (Traits::is_later) {
      c.start = [shared](const CommandCall& call) {
        auto arguments = detail::read_arguments<Arguments>(call.arguments);
        const JsonClearer clearer(arguments);
        if (!arguments) return call.reply.send(failure(arguments));
        detail::call_handler(*shared, arguments, Answer<Value>(call.reply));
      };
    } else {
      c.run = [shared](const Json& json) -> Result<Json> {
        auto arguments = detail::read_arguments<Arguments>(json);
        const JsonClearer clearer(arguments);
        if (!arguments) return failure(arguments);
        return detail::result_json<Value>(detail::call_handler(*shared, arguments));
      };
    }
    return c;
  } else {
    return {};
  }
}

// A method of an object, which must outlive the command.
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
