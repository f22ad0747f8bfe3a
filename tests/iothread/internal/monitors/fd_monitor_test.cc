// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/monitors/fd_monitor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <deque>
#include <thread>

#include "qomio/iothread/fd_handlers.h"
#include "qomio/iothread/timer.h"

namespace qomio {
namespace fd_monitor_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A monitor. If the parameter is epoll, it watches so many descriptors that it uses epoll.
class FdMonitorTest : public ::testing::TestWithParam<FdMonitorKind> {
 protected:
  FdMonitor monitor = FdMonitor::create(GetParam()).value();
  std::deque<EventNotifier> others;

  void SetUp() override {
    if (GetParam() == FdMonitorKind::io_uring && monitor.kind() != GetParam()) {
      GTEST_SKIP() << "the kernel refuses io_uring";
    }
    if (GetParam() == FdMonitorKind::epoll) watch_many();
    ASSERT_EQ(monitor.kind(), GetParam());
  }
  void watch_many() {
    for (std::size_t i = 0; i < FdMonitor::kEpollThreshold; ++i) {
      others.push_back(EventNotifier::create().value());
      monitor.watch(others.back().fd(), POLLIN);
    }
  }
  std::vector<int> ready(std::int64_t timeout_ns = 0) {
    std::vector<FdEvent> events;
    monitor.wait(timeout_ns, events);
    std::vector<int> fds;
    for (const FdEvent& event : events) fds.push_back(event.fd);
    return fds;
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, FdMonitorTest,
                         ::testing::Values(FdMonitorKind::poll, FdMonitorKind::epoll,
                                           FdMonitorKind::io_uring),
                         [](const auto& kind) { return std::string(fd_monitor_kind_name(kind.param)); });

TEST_P(FdMonitorTest, reports_a_ready_descriptor_until_it_is_forgotten) {
  EventNotifier notifier = EventNotifier::create().value();
  monitor.watch(notifier.fd(), POLLIN);
  EXPECT_THAT(ready(), IsEmpty());
  notifier.signal();
  EXPECT_THAT(ready(), ElementsAre(notifier.fd()));
  EXPECT_THAT(ready(-1), ElementsAre(notifier.fd()));
  monitor.unwatch(notifier.fd());
  EXPECT_THAT(ready(), IsEmpty());
}

TEST_P(FdMonitorTest, replaces_the_events_it_watches_for) {
  EventNotifier notifier = EventNotifier::create().value();
  monitor.watch(notifier.fd(), POLLIN);
  EXPECT_THAT(ready(), IsEmpty());
  monitor.watch(notifier.fd(), POLLOUT);
  EXPECT_THAT(ready(), ElementsAre(notifier.fd()));
}

TEST_P(FdMonitorTest, never_waits_less_than_the_timeout) {
  for (const std::int64_t timeout : {std::int64_t{1}, std::int64_t{1'234'567}}) {
    const std::int64_t start = clock_now_ns();
    EXPECT_THAT(ready(timeout), IsEmpty());
    EXPECT_GE(clock_now_ns() - start, timeout);
  }
}

TEST_P(FdMonitorTest, forgets_a_closed_descriptor_and_takes_its_number_again) {
  int number = -1;
  {
    const EventNotifier notifier = EventNotifier::create().value();
    number = notifier.fd();
    monitor.watch(number, POLLIN);
  }
  EventNotifier again = EventNotifier::create().value();
  ASSERT_EQ(again.fd(), number);
  monitor.watch(number, POLLIN);
  again.signal();
  EXPECT_THAT(ready(), ElementsAre(number));
  monitor.unwatch(number);
  EXPECT_THAT(ready(), IsEmpty());
}

TEST_P(FdMonitorTest, gets_rid_of_a_descriptor_that_was_closed_too_early_but_lives_on) {
  const int closed = ::eventfd(0, EFD_NONBLOCK);
  const int same = ::dup(closed);
  EventNotifier other = EventNotifier::create().value();
  monitor.watch(closed, POLLIN);
  monitor.watch(other.fd(), POLLIN);
  ::close(closed);
  monitor.unwatch(closed);
  ASSERT_EQ(::eventfd_write(same, 1), 0);
  if (!ready().empty()) monitor.forget_unknown();
  EXPECT_THAT(ready(), IsEmpty());
  other.signal();
  EXPECT_THAT(ready(), ElementsAre(other.fd()));
  ::close(same);
}

TEST_P(FdMonitorTest, takes_a_regular_file_and_returns_to_poll_for_good_when_epoll_refuses_it) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  const int fd = ::fileno(file);
  monitor.watch(fd, POLLIN);
  const FdMonitorKind stays =
      GetParam() == FdMonitorKind::io_uring ? FdMonitorKind::io_uring : FdMonitorKind::poll;
  EXPECT_EQ(monitor.kind(), stays);
  EXPECT_THAT(ready(), ElementsAre(fd));
  watch_many();
  EXPECT_EQ(monitor.kind(), stays);
  monitor.unwatch(fd);
  std::fclose(file);
  EventNotifier notifier = EventNotifier::create().value();
  monitor.watch(notifier.fd(), POLLIN);
  notifier.signal();
  EXPECT_THAT(ready(), ElementsAre(notifier.fd()));
}

TEST_P(FdMonitorTest, goes_on_when_fewer_descriptors_are_allowed_than_it_watches) {
  EventNotifier notifier = EventNotifier::create().value();
  monitor.watch(notifier.fd(), POLLIN);
  notifier.signal();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const std::vector<int> found = ready();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(found, ElementsAre(notifier.fd()));
}

TEST_P(FdMonitorTest, tells_an_outer_loop_what_to_poll) {
  EventNotifier notifier = EventNotifier::create().value();
  const std::uint64_t generation = monitor.generation();
  monitor.watch(notifier.fd(), POLLIN);
  EXPECT_NE(monitor.generation(), generation);
  notifier.signal();
  std::vector<pollfd> outer = monitor.interests();
  if (monitor.descriptor() >= 0) outer = {{.fd = monitor.descriptor(), .events = POLLIN, .revents = 0}};
  EXPECT_EQ(::poll(outer.data(), outer.size(), 0), 1);
  EXPECT_EQ(monitor.descriptor() >= 0, GetParam() != FdMonitorKind::poll);
}

TEST_P(FdMonitorTest, reports_a_hang_up_even_when_nothing_is_asked_for) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  monitor.watch(ends[0], 0);
  EXPECT_THAT(ready(), IsEmpty());
  ::close(ends[1]);
  EXPECT_THAT(ready(), ElementsAre(ends[0]));
  monitor.unwatch(ends[0]);
  ::close(ends[0]);
}

TEST_P(FdMonitorTest, tells_the_other_side_at_once_that_a_forgotten_descriptor_was_closed) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  monitor.watch(ends[1], 0);
  EXPECT_THAT(ready(), IsEmpty());
  monitor.unwatch(ends[1]);
  ::close(ends[1]);
  pollfd other{.fd = ends[0], .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&other, 1, 0), 1);
  EXPECT_TRUE(other.revents & POLLHUP);
  ::close(ends[0]);
}

TEST_P(FdMonitorTest, half_closed_peer_is_no_event_for_one_that_does_not_read) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  monitor.watch(ends[0], 0);
  EXPECT_THAT(ready(), IsEmpty());
  ASSERT_EQ(::shutdown(ends[1], SHUT_WR), 0);
  EXPECT_THAT(ready(), IsEmpty());
  EXPECT_THAT(ready(), IsEmpty());
  monitor.watch(ends[0], POLLIN);
  EXPECT_THAT(ready(), ElementsAre(ends[0]));
  monitor.unwatch(ends[0]);
  for (const int end : ends) ::close(end);
}

TEST_P(FdMonitorTest, keeps_watching_when_another_thread_goes_on) {
  EventNotifier notifier = EventNotifier::create().value();
  monitor.watch(notifier.fd(), POLLIN);
  std::thread([this] { EXPECT_THAT(ready(), IsEmpty()); }).join();
  EXPECT_THAT(ready(), IsEmpty());
  notifier.signal();
  std::vector<int> fds;
  while (fds.empty()) fds = ready(-1);
  EXPECT_THAT(fds, ElementsAre(notifier.fd()));
}

TEST_P(FdMonitorTest, never_says_that_there_is_nothing_new_when_there_is) {
  EventNotifier notifier = EventNotifier::create().value();
  monitor.watch(notifier.fd(), POLLIN);
  EXPECT_EQ(monitor.nothing_new(), GetParam() == FdMonitorKind::io_uring);
  std::thread([&] { notifier.signal(); }).join();
  while (monitor.nothing_new()) std::this_thread::yield();
  EXPECT_THAT(ready(), ElementsAre(notifier.fd()));
  EXPECT_FALSE(monitor.nothing_new()) << "it is still signalled";
}

TEST(FdMonitorKinds, have_the_names_of_the_wire) {
  EXPECT_EQ(fd_monitor_kind_name(FdMonitorKind::poll), "poll");
  EXPECT_EQ(fd_monitor_kind_name(FdMonitorKind::epoll), "epoll");
  EXPECT_EQ(fd_monitor_kind_name(FdMonitorKind::io_uring), "io_uring");
}

}  // namespace fd_monitor_test
}  // namespace qomio
