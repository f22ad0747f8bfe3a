// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/input_visitor.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/output_visitor.h"
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

  bool is_query = false;              // changes nothing: open to clients whose access is read-only
  bool allow_oob = false;             // may be sent with exec-oob: fast, never waits, has no `start`
  bool ends_server = false;           // after its success reply no server takes further requests (quit)
  std::vector<std::string> features;  // "deprecated", "unstable", or names of your own

  Command&& query() && {
    is_query = true;
    return std::move(*this);
  }
  Command&& oob() && {
    allow_oob = true;
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

namespace detail {

template <class T>
struct HandlerTraits;
template <class R>
struct HandlerTraits<Result<R> (*)()> {
  using Value = R;
  using Arguments = void;
};
template <class R, class A>
struct HandlerTraits<Result<R> (*)(A)> {
  using Value = R;
  using Arguments = std::remove_cvref_t<A>;
};

// Refuses any member: for commands without arguments.
Result<void> no_arguments(const Json& arguments);

}  // namespace detail

// Makes a command of a function or a captureless lambda.
template <class Handler>
Command command(std::string_view name, std::string_view description, Handler handler) {
  using Traits = detail::HandlerTraits<decltype(+handler)>;
  using Arguments = typename Traits::Arguments;
  using Value = typename Traits::Value;
  Command c;
  c.name = name;
  c.description = description;
  c.arguments = []() -> const TypeDescription& {
    if constexpr (std::is_void_v<Arguments>) {
      return empty_type();
    } else {
      return describe<Arguments>();
    }
  };
  c.result = []() -> const TypeDescription& {
    if constexpr (std::is_void_v<Value>) {
      return empty_type();
    } else {
      return describe<Value>();
    }
  };
  c.run = [handler](const Json& json) -> Result<Json> {
    auto reply = [](auto&& result) -> Result<Json> {
      if (!result) return failure(result);
      if constexpr (std::is_void_v<Value>) {
        return Json::object();
      } else {
        return to_json(*result);
      }
    };
    if constexpr (std::is_void_v<Arguments>) {
      if (auto r = detail::no_arguments(json); !r) return failure(r);
      return reply(handler());
    } else {
      auto arguments = from_json<Arguments>(json);
      if (!arguments) return failure(arguments);
      return reply(handler(*arguments));
    }
  };
  return c;
}

}  // namespace qomio
