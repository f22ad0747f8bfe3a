// SPDX-License-Identifier: GPL-2.0-or-later
// Fails each system call that starting an IOThread makes, one at a time. The functions below replace those of
// the C library in this program, since the linker finds them first.
#include <dlfcn.h>
#include <glib.h>
#include <gmock/gmock.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <filesystem>
#include <semaphore>
#include <string>
#include <thread>

#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/iothread/stall_watch.h"
#include "qomio/iothread/thread_pool.h"
#include "qomio/object/object_commands.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"

namespace {

struct Failure {
  int eventfd = 0;  // the errno value; 0: does not fail
  int epoll_create = 0;
  int pthread_create = 0;
  int sched_setaffinity = 0;
};
Failure to_fail;

// Looks for the sanitizer's function first: RTLD_NEXT skips a sanitizer that is linked into the program, as
// clang's is.
template <class Function>
Function* real(const char* name, const char* sanitizers_name) {
  void* const function = ::dlsym(RTLD_DEFAULT, sanitizers_name);
  return reinterpret_cast<Function*>(function ? function : ::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int eventfd(unsigned count, int flags) noexcept {
  if (to_fail.eventfd) return errno = to_fail.eventfd, -1;
  return real<int(unsigned, int)>("eventfd", "__interceptor_eventfd")(count, flags);
}

int epoll_create1(int flags) noexcept {
  if (to_fail.epoll_create) return errno = to_fail.epoll_create, -1;
  return real<int(int)>("epoll_create1", "__interceptor_epoll_create1")(flags);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) noexcept {
  if (to_fail.pthread_create) return to_fail.pthread_create;
  return real<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>(
      "pthread_create", "__interceptor_pthread_create")(thread, attributes, start, argument);
}

int sched_setaffinity(pid_t thread, size_t size, const cpu_set_t* cpus) noexcept {
  if (to_fail.sched_setaffinity) return errno = to_fail.sched_setaffinity, -1;
  return real<int(pid_t, size_t, const cpu_set_t*)>("sched_setaffinity", "__interceptor_sched_setaffinity")(
      thread, size, cpus);
}

}  // extern "C"

namespace qomio {
namespace {

std::size_t entries(const char* directory) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory), std::filesystem::directory_iterator()));
}

struct Step {
  const char* name;
  Failure failing;
  const char* message;
};

class IOThreadStart : public ::testing::TestWithParam<Step> {
 protected:
  IOThreadStart() { register_iothread_types(); }
  ~IOThreadStart() override {
    to_fail = {};
    objects_cleanup();
  }
};

INSTANTIATE_TEST_SUITE_P(
    Steps, IOThreadStart,
    ::testing::Values(
        Step{"eventfd", {.eventfd = EMFILE}, "Failed to initialize event notifier: Too many open files"},
        Step{"epoll", {.epoll_create = EMFILE}, "Failed to create epoll instance: Too many open files"},
        Step{"epoll_memory",
             {.epoll_create = ENOMEM},
             "Failed to create epoll instance: Cannot allocate memory"},
        Step{"thread",
             {.pthread_create = EAGAIN},
             "Failed to create thread: Resource temporarily unavailable"},
        Step{"affinity", {.sched_setaffinity = EINVAL}, "Failed to set CPU affinity: Invalid argument"}),
    [](const auto& step) { return std::string(step.param.name); });

TEST_P(IOThreadStart, that_fails_names_the_cause_and_leaves_nothing) {
  const Json arguments = {{"qom-type", "iothread"}, {"id", "io0"}, {"cpu-affinity", {0}}};
  CommandRegistry commands;
  add_object_commands(commands);
  // The first call creates what a process creates only once.
  ASSERT_TRUE(commands.run("object-add", arguments).has_value());
  ASSERT_TRUE(user_creatable_del("io0").has_value());
  const std::size_t descriptors = entries("/proc/self/fd");
  const std::size_t threads = entries("/proc/self/task");

  to_fail = GetParam().failing;
  const auto added = commands.run("object-add", arguments);
  to_fail = {};
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().message(), GetParam().message);
  EXPECT_EQ(added.error().error_class(), ErrorClass::GenericError);
  EXPECT_EQ(objects_root().child("io0"), nullptr);
  EXPECT_EQ(entries("/proc/self/fd"), descriptors);
  EXPECT_EQ(entries("/proc/self/task"), threads);

  EXPECT_TRUE(commands.run("object-add", arguments).has_value()) << "the id is free again";
}

TEST(IOThreadStep, that_needs_a_g_main_context_fails_without_descriptors_and_works_later) {
  register_iothread_types();
  {
    const auto io0 = object_new_with_props<IOThread>("io0").value();
    to_fail.eventfd = EMFILE;
    const auto refused = io0->g_main_context();
    to_fail = {};
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().message(), "Failed to create GMainContext: Too many open files");
    EXPECT_TRUE(io0->g_main_context().has_value());
  }
  objects_cleanup();
}

TEST(StallReporterStart, that_fails_is_an_error_and_leaves_nothing) {
  CommandRegistry commands;
  add_iothread_commands(commands);
  StallReporter reporter(commands);
  const std::size_t before = entries("/proc/self/task");
  to_fail.pthread_create = EAGAIN;
  const auto refused = reporter.report({.threshold_ns = 1'000'000});
  to_fail = {};
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message(), "Failed to create thread: Resource temporarily unavailable");
  EXPECT_EQ(entries("/proc/self/task"), before);
  EXPECT_TRUE(reporter.report({.threshold_ns = 3'600'000'000'000}).has_value());
  const std::size_t with_watch = entries("/proc/self/task");
  EXPECT_TRUE(reporter.report({}).has_value());
  // The kernel may list a joined thread for a moment longer.
  while (entries("/proc/self/task") >= with_watch) std::this_thread::yield();
}

TEST(ThreadPoolStart, that_fails_is_an_error_unless_another_thread_can_take_the_job) {
  const Ref<AioContext> loop = AioContext::create().value();
  const CurrentAioContext current(*loop);
  ThreadPool& pool = loop->thread_pool();
  std::binary_semaphore go(0);
  int done = 0;
  const auto submit = [&] { return pool.submit([&] { go.acquire(); }, [&] { ++done; }); };

  to_fail.pthread_create = EAGAIN;
  const auto refused = submit();
  to_fail = {};
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message(), "Failed to create thread: Resource temporarily unavailable");
  EXPECT_EQ(pool.pending(), 0);

  ASSERT_TRUE(submit().has_value());
  to_fail.pthread_create = EAGAIN;
  EXPECT_TRUE(submit().has_value()) << "the one thread will come to it";
  to_fail = {};
  EXPECT_EQ(pool.threads(), 1);
  go.release(2);
  while (pool.pending() > 0) loop->poll(true);
  EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace qomio
