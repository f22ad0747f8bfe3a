// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/fd_handler_set.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <string>
#include <vector>

namespace qomio {
namespace fd_handler_set_test {

using ::testing::ElementsAre;

TEST(IdleHandlers, leave_the_polled_set_after_seven_seconds_with_a_last_look) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const EventNotifier notifier = EventNotifier::create().value();
  internal::RunningCallMark mark;
  internal::FdHandlerSet set(FdMonitor::create().value(), notifier.fd());
  EventNotifier source = EventNotifier::create().value();
  std::vector<std::string> ran;
  int work = 0;
  set.set(source.fd(), {.read = [&] { source.test_and_clear(); },
                        .poll = [&] { return work > 0; },
                        .poll_ready =
                            [&] {
                              --work;
                              ran.emplace_back("polled");
                            },
                        .poll_begin = [&] { ran.emplace_back("begin"); },
                        .poll_end =
                            [&] {
                              ran.emplace_back("end");
                              work = 1;
                            }});
  source.signal();
  set.wait(0);
  EXPECT_EQ(set.dispatch(mark), 1);
  EXPECT_EQ(set.polled_size(), 1);
  std::int64_t now = 100 * kSecond;
  set.drop_idle(now);
  // Polls that find work keep the handler in the polled set.
  for (int i = 0; i < 10; ++i) {
    now += 2 * kSecond;
    work = 1;
    EXPECT_TRUE(set.poll_once());
    EXPECT_EQ(set.dispatch(mark), 1);
    set.drop_idle(now);
  }
  EXPECT_EQ(set.polled_size(), 1);
  ran.clear();
  set.drop_idle(now + 7 * kSecond - 1);
  EXPECT_EQ(set.polled_size(), 1);
  set.drop_idle(now + 9 * kSecond);
  EXPECT_EQ(set.polled_size(), 0);
  EXPECT_TRUE(set.any_queued());
  EXPECT_EQ(set.dispatch(mark), 1);
  EXPECT_THAT(ran, ElementsAre("end", "polled"));
  // The next event adds it again.
  source.signal();
  set.wait(0);
  set.dispatch(mark);
  EXPECT_EQ(set.polled_size(), 1);
  set.set(source.fd(), {});
  set.free_removed();
}

}  // namespace fd_handler_set_test
}  // namespace qomio
