// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/waker.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace qomio {
namespace waker_test {

class WakerTest : public ::testing::Test {
 protected:
  bool signalled() const {
    pollfd entry{.fd = waker.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, 0) == 1;
  }

  internal::Waker waker{EventNotifier::create().value()};
};

TEST_F(WakerTest, needs_no_system_call_while_no_sleep_is_announced) {
  waker.notify();
  waker.notify();
  EXPECT_FALSE(signalled());
  EXPECT_TRUE(waker.notified());
  const internal::Waker::Accepted accepted = waker.accept(3);
  EXPECT_EQ(accepted.count, 5);
  EXPECT_EQ(accepted.elided, 5);
  EXPECT_FALSE(waker.notified());
}

TEST_F(WakerTest, refuses_the_sleep_after_a_notification) {
  waker.notify();
  EXPECT_FALSE(waker.announce_sleep());
  waker.withdraw_sleep();
}

TEST_F(WakerTest, is_signalled_once_in_a_sleep_by_the_first_of_several) {
  EXPECT_TRUE(waker.announce_sleep());
  EXPECT_EQ(waker.stamp_ns(), 0);
  waker.wake();
  waker.notify();
  EXPECT_TRUE(signalled());
  EXPECT_GT(waker.stamp_ns(), 0);
  waker.clear_signal();
  EXPECT_FALSE(signalled());
  waker.withdraw_sleep();
  const internal::Waker::Accepted accepted = waker.accept(1);
  EXPECT_EQ(accepted.count, 2);
  EXPECT_EQ(accepted.elided, 1);
}

TEST_F(WakerTest, of_a_home_thread_notifies_only_on_the_way_to_sleep) {
  waker.wake_from_home();
  EXPECT_FALSE(waker.notified());
  EXPECT_FALSE(waker.set_looking(true));
  waker.wake_from_home();
  EXPECT_TRUE(waker.notified());
  EXPECT_TRUE(waker.set_looking(false));
}

}  // namespace waker_test
}  // namespace qomio
