// SPDX-License-Identifier: GPL-2.0-or-later
// Fails each step that a monitor takes with io_uring, one at a time: it loses no event but becomes slower.
// The functions below replace those of liburing in this program, since the linker finds them first.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <liburing.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <string>

#include "qomio/iothread/fd_handlers.h"
#include "qomio/iothread/internal/monitors/fd_monitor.h"
#include "qomio/tests/iothread/uring_refusal.h"

namespace {

using qomio::uring_refusal;

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int io_uring_queue_init_params(unsigned entries, io_uring* ring, io_uring_params* params) {
  if (uring_refusal.init) return -uring_refusal.init;
  const int result =
      real<int(unsigned, io_uring*, io_uring_params*)>("io_uring_queue_init_params")(entries, ring, params);
  params->features &= ~uring_refusal.features_lost;
  return result;
}

int io_uring_register_probe(io_uring* ring, io_uring_probe* probe, unsigned operations) {
  if (uring_refusal.no_probe) return -EINVAL;
  return real<int(io_uring*, io_uring_probe*, unsigned)>("io_uring_register_probe")(ring, probe, operations);
}

int io_uring_ring_dontfork(io_uring* ring) {
  if (uring_refusal.dontfork) return -uring_refusal.dontfork;
  return real<int(io_uring*)>("io_uring_ring_dontfork")(ring);
}

int io_uring_submit(io_uring* ring) {
  if (uring_refusal.submit) return -uring_refusal.submit;
  if (const unsigned entries = io_uring_sq_ready(ring); qomio::records_uring_submissions && entries > 0) {
    qomio::uring_submissions.push_back(entries);
  }
  return real<int(io_uring*)>("io_uring_submit")(ring);
}

int io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** completion, unsigned count,
                                     __kernel_timespec* timeout, sigset_t* mask) {
  if (uring_refusal.wait) return -uring_refusal.wait;
  return real<int(io_uring*, io_uring_cqe**, unsigned, __kernel_timespec*, sigset_t*)>(
      "io_uring_submit_and_wait_timeout")(ring, completion, count, timeout, mask);
}

}  // extern "C"

namespace qomio {
namespace {

using ::testing::ElementsAre;

std::size_t descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                                std::filesystem::directory_iterator()));
}

struct Step {
  const char* name;
  UringRefusal refused;
};

class UringRefused : public ::testing::TestWithParam<Step> {
 protected:
  EventNotifier first = EventNotifier::create().value();
  EventNotifier second = EventNotifier::create().value();

  ~UringRefused() override { uring_refusal = {}; }

  static std::vector<int> ready(FdMonitor& monitor) {
    std::vector<FdEvent> events;
    monitor.wait(0, events);
    std::vector<int> fds;
    for (const FdEvent& event : events) fds.push_back(event.fd);
    return fds;
  }
};

std::string name_of(const ::testing::TestParamInfo<Step>& step) { return step.param.name; }

class UringRefusedAtTheStart : public UringRefused {};

INSTANTIATE_TEST_SUITE_P(
    Steps, UringRefusedAtTheStart,
    ::testing::Values(Step{"not_in_the_kernel", {.init = ENOSYS}}, Step{"not_allowed", {.init = EPERM}},
                      Step{"no_memory", {.init = ENOMEM}}, Step{"no_descriptor", {.init = EMFILE}},
                      Step{"completions_may_be_lost", {.features_lost = IORING_FEAT_NODROP}},
                      Step{"no_timeout", {.features_lost = IORING_FEAT_EXT_ARG}},
                      Step{"unknown_operations", {.no_probe = true}},
                      Step{"no_dontfork", {.dontfork = EINVAL}}),
    name_of);

TEST_P(UringRefusedAtTheStart, leaves_a_monitor_that_polls) {
  const std::size_t before = descriptors();
  {
    uring_refusal = GetParam().refused;
    FdMonitor monitor = FdMonitor::create(FdMonitorKind::io_uring).value();
    EXPECT_EQ(monitor.kind(), FdMonitorKind::poll);
    EXPECT_EQ(monitor.uring(), nullptr);
    monitor.watch(first.fd(), POLLIN);
    first.signal();
    EXPECT_THAT(ready(monitor), ElementsAre(first.fd()));
    EXPECT_EQ(descriptors(), before + 1) << "that of epoll";
  }
  EXPECT_EQ(descriptors(), before);
}

class UringRefusedLater : public UringRefused {
 protected:
  FdMonitor monitor = FdMonitor::create(FdMonitorKind::io_uring).value();

  void SetUp() override {
    if (monitor.kind() != FdMonitorKind::io_uring) GTEST_SKIP() << "the kernel refuses io_uring";
    monitor.watch(first.fd(), POLLIN);
    monitor.watch(second.fd(), POLLIN);
    EXPECT_THAT(ready(monitor), ElementsAre());
  }
  void expect_polling() {
    EXPECT_EQ(monitor.kind(), FdMonitorKind::poll);
    uring_refusal = {};
    second.signal();
    EXPECT_THAT(ready(monitor), ElementsAre(second.fd()));
    EXPECT_THAT(ready(monitor), ElementsAre(second.fd())) << "level-triggered";
    EXPECT_NE(monitor.uring(), nullptr) << "other requests still have it";
  }
};

INSTANTIATE_TEST_SUITE_P(Steps, UringRefusedLater,
                         ::testing::Values(Step{"submit_not_allowed", {.submit = EPERM, .wait = EPERM}},
                                           Step{"submit_invalid", {.submit = EINVAL, .wait = EINVAL}}),
                         name_of);

TEST_P(UringRefusedLater, when_it_waits_goes_over_to_poll) {
  uring_refusal = GetParam().refused;
  std::vector<FdEvent> events;
  monitor.wait(1, events);
  expect_polling();
}

TEST_P(UringRefusedLater, when_a_descriptor_is_replaced_goes_over_to_poll) {
  uring_refusal = GetParam().refused;
  monitor.watch(first.fd(), POLLIN);
  expect_polling();
}

TEST_P(UringRefusedLater, when_a_descriptor_is_forgotten_goes_over_to_poll) {
  uring_refusal = GetParam().refused;
  monitor.unwatch(first.fd());
  expect_polling();
}

TEST_P(UringRefusedLater, when_it_is_asked_what_an_outer_loop_must_poll_goes_over_to_poll) {
  first.signal();
  EXPECT_THAT(ready(monitor), ElementsAre(first.fd()));
  EXPECT_TRUE(first.test_and_clear());
  uring_refusal = GetParam().refused;
  EXPECT_EQ(monitor.descriptor(), -1);
  expect_polling();
}

TEST_P(UringRefusedLater, while_the_loop_is_busy_polling_goes_over_to_poll) {
  first.signal();
  EXPECT_THAT(ready(monitor), ElementsAre(first.fd()));
  EXPECT_TRUE(first.test_and_clear());
  uring_refusal = GetParam().refused;
  EXPECT_FALSE(monitor.nothing_new());
  EXPECT_THAT(ready(monitor), ElementsAre());
  expect_polling();
}

}  // namespace
}  // namespace qomio
