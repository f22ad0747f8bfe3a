// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/event_notifier.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace qomio {
namespace {

bool readable(const EventNotifier& notifier) {
  pollfd entry{.fd = notifier.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) == 1;
}

TEST(EventNotifier, is_readable_from_signal_to_clear) {
  EventNotifier notifier = EventNotifier::create().value();
  EXPECT_FALSE(readable(notifier));
  EXPECT_FALSE(notifier.test_and_clear());
  notifier.signal();
  EXPECT_TRUE(readable(notifier));
  EXPECT_TRUE(notifier.test_and_clear());
  EXPECT_FALSE(readable(notifier));
}

TEST(EventNotifier, counts_many_signals_as_one) {
  EventNotifier notifier = EventNotifier::create().value();
  for (int i = 0; i < 3; ++i) notifier.signal();
  EXPECT_TRUE(notifier.test_and_clear());
  EXPECT_FALSE(notifier.test_and_clear());
}

TEST(EventNotifier, moves_its_descriptor) {
  EventNotifier first = EventNotifier::create().value();
  const int fd = first.fd();
  const EventNotifier second = std::move(first);
  EXPECT_EQ(second.fd(), fd);
}

}  // namespace
}  // namespace qomio
