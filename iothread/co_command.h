// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/coroutine.h"
#include "qomio/qapi/command.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {

namespace internal {

template <class T>
struct CoHandlerTraits {
  static constexpr bool fits = false;
};
template <class R, class A>
struct CoHandlerTraits<Task<Result<R>> (*)(A, Answer<R>)> {
  static_assert(!std::is_reference_v<A>, "a coroutine outlives the call: it takes its arguments by value");
  static constexpr bool fits = true;
  using Value = R;
  using Arguments = A;
};

template <class R>
Task<> send_when_done(Task<Result<R>> task, Answer<R> answer) {
  answer.send(co_await task);
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
template <class Handler>
Command co_command(std::string_view name, std::string_view description, Handler handler) {
  constexpr bool kIsFunction = requires { +handler; };
  static_assert(kIsFunction,
                "a co_command handler is a function or a lambda without captures: the coroutine "
                "would refer to captures that the command has destroyed");
  if constexpr (kIsFunction) {
    using Traits = internal::CoHandlerTraits<decltype(+handler)>;
    static_assert(Traits::fits, "a co_command handler is a Task<Result<R>>(Arguments, Answer<R>)");
    if constexpr (Traits::fits) {
      using Arguments = typename Traits::Arguments;
      using Value = typename Traits::Value;
      Command c = internal::described_command<Arguments, Value>(name, description);
      c.start = [handler](const CommandCall& call) {
        auto arguments = internal::read_arguments<Arguments>(call.arguments);
        if (!arguments) return call.reply.send(failure(arguments));
        AioContext* loop = AioContext::current();
        invariant(loop, "a command that is a coroutine needs a loop to run in");
        const Answer<Value> answer(call.reply);
        co_schedule(*loop, internal::send_when_done<Value>(handler(std::move(*arguments), answer), answer));
      };
      return c;
    }
  }
  return {};
}

}  // namespace qomio
