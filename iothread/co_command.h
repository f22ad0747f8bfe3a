// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/coroutine.h"
#include "qomio/qapi/command.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/session.h"

namespace qomio {

namespace internal {

template <class R, class A, bool with_session>
struct CoHandlerForm {
  static_assert(!std::is_reference_v<A>, "a coroutine outlives the call: it takes its arguments by value");
  using Value = R;
  using Arguments = A;
  static constexpr bool takes_session = with_session;
};
template <class T>
struct CoHandlerTraits;
template <class R, class A>
struct CoHandlerTraits<Task<Result<R>> (*)(A, Answer<R>)> : CoHandlerForm<R, A, false> {};
template <class R, class A>
struct CoHandlerTraits<Task<Result<R>> (*)(A, std::shared_ptr<Session>, Answer<R>)>
    : CoHandlerForm<R, A, true> {};

template <class Handler>
concept CoCommandHandler = requires { typename CoHandlerTraits<typename HandlerType<Handler>::type>::Value; };

// Keeps the handler, since a coroutine that is a lambda uses the lambda's captures, also while it is
// destroyed. Local variables are destroyed in a fixed order, parameters are not.
template <class Handler, class R>
Task<> send_when_done(std::shared_ptr<Handler> handler, Task<Result<R>> task, Answer<R> answer) {
  const std::shared_ptr<Handler> kept = std::move(handler);
  Task<Result<R>> running = std::move(task);
  answer.send(co_await running);
}

}  // namespace internal

// Creates a command from a coroutine, which may wait and move to other loops:
//
//     Task<Result<Measurement>> measure(MeasureArguments arguments, Answer<Measurement> answer) {
//       for (int i = 0; i < arguments.rounds && answer.is_wanted(); ++i) co_await sleep_for(10ms);
//       co_return Measurement{...};
//     }
//     commands.add(co_command("measure", "measures", measure));
//
// The coroutine starts in the main loop and may end in any loop; other clients are served meanwhile. The
// value that it returns is sent as the answer, so it need not call Answer::send(). Answer::is_wanted()
// returns whether the client still waits.
//
// A handler may take the session of the client before the Answer, as a std::shared_ptr<Session>. The client
// may leave while the coroutine waits: then Session::is_open() is false. Session::data() needs the main
// thread.
//
// The handler's captures live until the command is removed and its last coroutine has ended. All coroutines
// of the command share the captures, including coroutines in other loops.
template <class Handler>
Command co_command(std::string_view name, std::string_view description, Handler handler) {
  static_assert(
      internal::CoCommandHandler<Handler>,
      "a co_command handler is a Task<Result<R>>(Arguments, [std::shared_ptr<Session>,] Answer<R>)");
  if constexpr (internal::CoCommandHandler<Handler>) {
    using Traits = internal::CoHandlerTraits<typename internal::HandlerType<Handler>::type>;
    using Arguments = typename Traits::Arguments;
    using Value = typename Traits::Value;
    Command c = internal::described_command<Arguments, Value>(name, description);
    const auto shared = std::make_shared<Handler>(std::move(handler));
    c.start = [shared](const CommandCall& call) {
      auto arguments = internal::read_arguments<Arguments>(call.arguments);
      if (!arguments) return call.reply.send(failure(arguments));
      AioContext* loop = AioContext::current();
      invariant(loop, "a command that is a coroutine needs a loop to run in");
      const Answer<Value> answer(call.reply);
      const auto begin = [&] {
        if constexpr (Traits::takes_session) {
          return (*shared)(std::move(*arguments), call.session.shared_from_this(), answer);
        } else {
          return (*shared)(std::move(*arguments), answer);
        }
      };
      co_schedule(*loop, internal::send_when_done(shared, begin(), answer));
    };
    return c;
  } else {
    return {};
  }
}

}  // namespace qomio
