// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

#include "qomio/iothread/main_loop.h"
#include "qomio/object/object_new.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"

// For the tests of programs that use the library: time that a test moves, and a program in which each test
// begins from nothing. Thread: the main thread.
namespace qomio {

namespace internal {
struct TestTime;
}

// While it exists, all loops of the process see a time that stands still until advance(): timers, statistics
// and the detection of stalled calls follow it. It starts at the present time. A loop with a polling window
// looks once instead of polling for that long. A thread that sleeps until a timer is due sleeps on, since
// nothing tells it of the new time; TestProgram::advance() does.
//
// There is at most one. It must be created before the loops of the test and destroyed after them.
class TestClock {
 public:
  TestClock();
  TestClock(const TestClock&) = delete;
  TestClock& operator=(const TestClock&) = delete;
  ~TestClock();

  // Moves the time on, without calling anything. Not backwards.
  void advance(std::chrono::nanoseconds time);

 private:
  std::unique_ptr<internal::TestTime> time_;
};

// A program for one test: a TestClock, a tree, a main loop, and commands, which belong to it alone. The
// commands for objects and I/O threads are there already. The test's thread is the main thread.
//
//     struct BucketTest : testing::Test {
//       TestProgram program;
//       BucketTest() { program.register_type(TokenBucket::type_info); }
//     };
//     TEST_F(BucketTest, refills_once_a_second) {
//       auto bucket = object_new_with_props<TokenBucket>("b0", {{"rate", 500}}).value();
//       bucket->take(500);
//       program.advance(1s);
//       EXPECT_EQ(bucket->tokens(), 500);
//     }
//
// The destructor deletes the objects, stops their threads, takes back types and commands, and removes the
// global defaults.
class TestProgram {
 public:
  TestProgram();
  TestProgram(const TestProgram&) = delete;
  TestProgram& operator=(const TestProgram&) = delete;
  ~TestProgram();

  // Registers a type until the program ends. Failing to is a broken invariant.
  void register_type(const TypeInfo& info);

  CommandRegistry& commands();
  MainLoop& main_loop();
  AioContext& loop() { return main_loop().context(); }

  // Runs everything that is ready in the main loop and in the loops of I/O threads, and what that makes ready
  // in the main loop.
  void run_ready();
  // Moves the time on, from one timer of these loops to the next, and runs each at its time. GLib's own
  // time-outs follow real time, as do file requests and jobs of thread pools, which are not waited for.
  void advance(std::chrono::nanoseconds time);

  // What a QMP client sends and receives, without a socket file: sends a line, which need not be JSON, runs
  // the program until the reply has come, and returns it: `{"return": ...}` or `{"error": ...}`; null if the
  // server has closed the connection. The client connects and negotiates at the first call, and again after
  // the server has closed the connection. Waits for ever if there is no reply: the line is an incomplete
  // value, or the command waits for the time to move.
  Json qmp(std::string_view request);
  // The same for a command and its arguments.
  Json qmp(std::string_view command, const Json& arguments);
  // The events that the client has received and this function has not returned yet, oldest first, as QMP
  // sends them.
  std::vector<Json> take_events();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qomio
