// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/testing.h"

#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <vector>

#include "qomio/iothread/concurrency.h"
#include "qomio/iothread/iothread.h"
#include "qomio/object/property.h"

namespace qomio {
namespace testing_test {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// Gets full again once a second, by a timer of the main loop.
class Bucket final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  static void class_init(ObjectClass& klass) {
    klass.add(property("rate", &Bucket::rate_).range(1, 1000).default_value(100));
  }
  Result<void> complete() override {
    refill_ = MainLoop::current()->context().timer([this] {
      tokens = rate_;
      refill_.arm_after(1s);
    });
    refill_.arm_after(1s);
    return {};
  }
  std::int64_t tokens = 0;

 private:
  std::int64_t rate_ = 0;
  Timer refill_;
};
constinit const TypeInfo Bucket::type_info{.name = "bucket",
                                           .parent = "object",
                                           .interfaces = {"user-creatable"},
                                           .create = create<Bucket>,
                                           .class_init = Bucket::class_init};

class TestProgramTest : public ::testing::Test {
 protected:
  TestProgramTest() { program.register_type(Bucket::type_info); }
  TestProgram program;
};

// Two tests make the same object: each begins from nothing.
TEST_F(TestProgramTest, runs_timers_at_their_time_and_not_earlier) {
  const auto bucket = object_new_with_props<Bucket>("b0", {{"rate", 500}}).value();
  program.advance(999ms);
  EXPECT_EQ(bucket->tokens, 0);
  program.advance(1ms);
  EXPECT_EQ(bucket->tokens, 500);
}

TEST_F(TestProgramTest, runs_a_timer_that_is_armed_again_as_often_as_in_real_time) {
  int fired = 0;
  std::vector<std::int64_t> times;
  const auto start = clock_now_ns();
  Timer timer = program.loop().timer([&] {
    times.push_back(clock_now_ns() - start);
    if (++fired < 3) timer.arm_after(100ns);
  });
  timer.arm_after(100ns);
  program.advance(1h);
  EXPECT_THAT(times, ElementsAre(100, 200, 300));
  EXPECT_EQ(clock_now_ns() - start, std::chrono::nanoseconds(1h).count());
  EXPECT_TRUE(object_new_with_props<Bucket>("b0"));
}

TEST_F(TestProgramTest, moves_the_time_of_io_threads_and_polls_without_waiting) {
  const auto io0 = object_new_with_props<IOThread>("io0", {{"poll-max-ns", "1000000000"}}).value();
  int fired = 0;
  Timer timer = io0->context().timer([&] {
    if (++fired < 50) timer.arm_after(1min);
  });
  timer.arm_after(1min);
  program.advance(49min);
  int seen = 0;
  io0->context().run_in([&] { seen = fired; });
  EXPECT_EQ(seen, 49);
  io0->context().run_in([&] { timer = {}; });
}

TEST_F(TestProgramTest, runs_coroutines_that_go_through_several_loops) {
  const auto io0 = object_new_with_props<IOThread>("io0").value();
  std::string said;
  const auto visit = [](AioContext& home, AioContext& away, std::string& out) -> Task<> {
    co_await reschedule_self(away);
    (void)co_await sleep_for(10s);
    co_await reschedule_self(home);
    out = "back";
  };
  co_schedule(program.loop(), visit(program.loop(), io0->context(), said));
  program.advance(9s);
  EXPECT_EQ(said, "");
  program.advance(1s);
  EXPECT_EQ(said, "back");
}

TEST_F(TestProgramTest, has_the_commands_of_objects_and_io_threads) {
  EXPECT_TRUE(program.commands().run("object-add", Json{{"qom-type", "bucket"}, {"id", "b0"}}));
  EXPECT_NE(object_resolve_path("/objects/b0").object, nullptr);
  EXPECT_EQ(program.commands().run("query-iothreads", Json::object())->size(), 0U);
}

TEST_F(TestProgramTest, answers_as_a_server_does) {
  EXPECT_EQ(program.qmp("object-add", Json{{"qom-type", "bucket"}, {"id", "b0"}, {"rate", 7}}),
            Json::parse(R"({"return": {}})"));
  EXPECT_EQ(
      program.qmp(R"({"execute": "qom-get", "arguments": {"path": "b0", "property": "rate"}, "id": 5})"),
      Json::parse(R"({"return": 7, "id": 5})"));
  const Json refused = program.qmp("object-add", Json{{"qom-type", "bucket"}, {"id", "b1"}, {"rate", 0}});
  EXPECT_EQ(refused["error"]["class"], "GenericError");
  EXPECT_EQ(object_resolve_path("/objects/b1").object, nullptr);
  EXPECT_EQ(program.qmp("{ nonsense }")["error"]["class"], "GenericError");
  EXPECT_EQ(program.qmp(std::string(200'000, ' ') + R"({"execute": "query-iothreads"})"),
            Json::parse(R"({"return": []})"));
}

TEST_F(TestProgramTest, keeps_events_until_they_are_asked_for) {
  EXPECT_TRUE(program.take_events().empty());
  program.main_loop().shut_down(ShutdownCause::host_signal);
  const std::vector<Json> events = program.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["event"], "SHUTDOWN");
  EXPECT_EQ(program.qmp("query-iothreads", Json::object()), Json::parse(R"({"return": []})"));
  EXPECT_TRUE(program.take_events().empty());
}

TEST(TestProgramEnd, takes_back_types_and_objects) {
  {
    TestProgram program;
    program.register_type(Bucket::type_info);
    ASSERT_TRUE(object_new_with_props<IOThread>("io0"));
    ASSERT_TRUE(iothread_create("internal"));
  }
  EXPECT_EQ(object_resolve_path("/objects/io0").object, nullptr);
  EXPECT_FALSE(object_class_by_name("bucket"));
}

TEST(TestClockTest, stands_still_until_it_is_moved) {
  const auto before = clock_now_ns();
  {
    TestClock clock;
    const auto start = clock_now_ns();
    EXPECT_GE(start, before);
    EXPECT_EQ(clock_now_ns(), start);
    const auto wall = clock_now_ns(ClockType::realtime);
    clock.advance(3s);
    EXPECT_EQ(clock_now_ns() - start, 3'000'000'000);
    EXPECT_EQ(clock_now_ns(ClockType::realtime) - wall, 3'000'000'000);
  }
  EXPECT_GE(clock_now_ns(), before);
}

}  // namespace testing_test
}  // namespace qomio
