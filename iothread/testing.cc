// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/testing.h"

#include <glib.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "qomio/iothread/internal/clock.h"
#include "qomio/iothread/internal/loop.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/object/global_defaults.h"
#include "qomio/object/object_commands.h"
#include "qomio/qapi/internal/invariant.h"

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

// Members are destroyed in reverse: the objects first, which use everything else.
struct TestProgram::State {
  TestClock clock;
  MainLoop main_loop = MainLoop::create({}).value();
  CommandRegistry commands;
  std::vector<const TypeInfo*> types;
  std::optional<PrivateTree> tree = std::make_optional<PrivateTree>();

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

}  // namespace qomio
