// SPDX-License-Identifier: GPL-2.0-or-later
// Loops in a process whose system calls a filter refuses, as in a container: with "not permitted" or "not
// implemented". A filter cannot be removed, so each test runs in its own process.
#include <fcntl.h>
#include <glib.h>
#include <gmock/gmock.h>
#include <seccomp.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <tuple>

#include "qomio/iothread/file_io.h"
#include "qomio/iothread/internal/monitors/fd_monitor.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"

namespace qomio {
namespace refused_call_test {

bool refuse(int call, int error) {
  const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ALLOW);
  const bool refused =
      filter && ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), call, 0) == 0 &&
      ::seccomp_load(filter) == 0;
  ::seccomp_release(filter);
  return refused;
}

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  std::exit(1);
}

// Uses an I/O thread, which waits for a descriptor and a timer and reads a file.
void use_iothread(const char* monitor) {
  auto made = object_new_with_props<IOThread>(monitor, {{"fd-monitor", monitor}, {"poll-max-ns", "0"}});
  if (!made) fail(made.error().message());
  AioContext& loop = (*made)->context();
  EventNotifier notifier = EventNotifier::create().value();
  std::atomic<int> calls = 0;
  const auto call = [&] {
    ++calls;
    calls.notify_one();
  };
  const auto await = [&](int number) {
    for (int now = 0; (now = calls) < number;) calls.wait(now);
  };
  loop.set_event_notifier(notifier, {.read = call});
  notifier.signal();
  await(1);
  Timer timer = loop.timer(call);
  for (int i = 2; i < 5; ++i) {
    timer.arm_after(1ms);
    await(i);
  }
  const int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  std::array<std::byte, 4> bytes{};
  loop.run_in([&] {
    loop.file_io().read(fd, bytes, 0, [&](const Result<std::size_t>& size) {
      if (!size || *size != bytes.size() || bytes[1] != std::byte{'E'}) fail("reading a file");
      call();
    });
  });
  await(5);
  ::close(fd);
  loop.run_in([&] { loop.set_event_notifier(notifier, {}); });
  timer = {};
  if (!user_creatable_del(monitor)) fail("object-del");
}

// Prints the log messages and their number to standard error.
[[noreturn]] void use_iothreads(int call, int error) {
  static int messages = 0;
  ::g_log_set_default_handler(
      [](const gchar*, GLogLevelFlags, const gchar* message, gpointer) {
        ++messages;
        std::fprintf(stderr, "log: %s\n", message);
      },
      nullptr);
  if (!refuse(call, error)) fail("the filter");
  register_iothread_types();
  for (int round = 0; round < 2; ++round) {
    for (const char* monitor : {"poll", "epoll", "io_uring"}) use_iothread(monitor);
  }
  objects_cleanup();
  std::fprintf(stderr, "messages: %d\n", messages);
  std::exit(0);
}

class RefusedCallDeathTest : public ::testing::TestWithParam<std::tuple<const char*, int>> {
 protected:
  RefusedCallDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  const char* const name = std::get<0>(GetParam());
  const int error = std::get<1>(GetParam());
  const int call = ::seccomp_syscall_resolve_name(name);
  const std::string reason = error == EPERM ? "Operation not permitted" : "Function not implemented";
};

std::string name_of(const ::testing::TestParamInfo<std::tuple<const char*, int>>& info) {
  return std::string(std::get<0>(info.param)) +
         (std::get<1>(info.param) == EPERM ? "_not_permitted" : "_not_implemented");
}

// System calls that loops use if the kernel allows them.
class UsedCallDeathTest : public RefusedCallDeathTest {};

INSTANTIATE_TEST_SUITE_P(Calls, UsedCallDeathTest,
                         ::testing::Combine(::testing::Values("epoll_pwait2", "io_uring_setup",
                                                              "io_uring_enter", "io_uring_register"),
                                            ::testing::Values(EPERM, ENOSYS)),
                         name_of);

TEST_P(UsedCallDeathTest, is_done_without_and_the_log_says_so_once) {
  if (call == __NR_SCMP_ERROR) GTEST_SKIP() << "libseccomp doesn't know " << name;
  const bool has_uring = FdMonitor::create(FdMonitorKind::io_uring).value().kind() == FdMonitorKind::io_uring;
  if (std::string(name).starts_with("io_uring") && !has_uring) GTEST_SKIP() << "the kernel refuses io_uring";
  EXPECT_EXIT(use_iothreads(call, error), ::testing::ExitedWithCode(0),
              "log: The system call " + std::string(name) + " is refused \\(" + reason +
                  "\\), so .* is used\nmessages: 1\n");
}

// System calls that the C library and other libraries make. (Not rseq(): glibc aborts if it fails in a new
// thread after it succeeded in the first, and the filter is installed too late for the first.)
class OtherCallDeathTest : public RefusedCallDeathTest {};

INSTANTIATE_TEST_SUITE_P(Calls, OtherCallDeathTest,
                         ::testing::Combine(::testing::Values("membarrier", "statx", "close_range", "openat2",
                                                              "faccessat2", "pidfd_open", "copy_file_range",
                                                              "preadv2", "getrandom"),
                                            ::testing::Values(EPERM, ENOSYS)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Threads, OtherCallDeathTest, ::testing::Values(std::tuple("clone3", ENOSYS)),
                         name_of);

TEST_P(OtherCallDeathTest, is_not_missed) {
  if (call == __NR_SCMP_ERROR) GTEST_SKIP() << "libseccomp doesn't know " << name;
  EXPECT_EXIT(use_iothreads(call, error), ::testing::ExitedWithCode(0), "messages: [01]\n");
}

// The C library falls back to clone() only if clone3() is not implemented.
TEST(RefusedThreadDeathTest, is_an_error_of_object_add_and_the_program_goes_on) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto add_without_thread = [] {
    register_iothread_types();
    if (!refuse(SCMP_SYS(clone3), EPERM)) fail("the filter");
    const auto made = object_new_with_props<IOThread>("io0", {});
    std::fprintf(stderr, "%s\n", made ? "made" : made.error().message().c_str());
    std::exit(objects_root().child("io0") ? 1 : 0);
  };
  EXPECT_EXIT(add_without_thread(), ::testing::ExitedWithCode(0),
              "Failed to create thread: Operation not permitted");
}

}  // namespace refused_call_test
}  // namespace qomio
