// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "qomio/iothread/event_loop_base.h"
#include "qomio/iothread/internal/monitors/fd_monitor.h"
#include "qomio/iothread/internal/poll_controller.h"
#include "qomio/object/user_creatable.h"

typedef struct _GMainContext GMainContext;
typedef struct _GMainLoop GMainLoop;

namespace qomio {

template <>
inline constexpr auto enum_description<PollPolicy> = EnumDescription(
    "PollPolicy", EnumValue("arrival", "when events come; where polling can not win, there is none"),
    EnumValue("classic", "how long sleeps last, waking up included, as in QEMU"),
    EnumValue("weighted", "a running mean of when events come, for each descriptor"));

template <>
inline constexpr auto enum_description<FdMonitorKind> =
    EnumDescription("FdMonitorKind",
                    EnumValue("poll", "by poll(); once there are many, or busy polls look at them, by epoll"),
                    EnumValue("epoll", "by epoll; a descriptor that it refuses makes it poll"),
                    EnumValue("io_uring", "by io_uring; where the kernel refuses it, as poll"));

// The type `iothread`: an object that runs an event loop in a thread of its own.
//
//     auto io0 = object_new_with_props<IOThread>("io0", {{"poll-max-ns", "16384"}});
//     (*io0)->context().schedule_oneshot([] { ... });  // runs in the thread
//
// complete() makes the loop and starts the thread, which is called "IO <id>" (the kernel shows the first 15
// characters), has all signals blocked and inherits its creator's CPU affinity unless told otherwise. Taking
// the object out of the tree, or stop(), ends the thread, which closes its loop (AioContext::close()): all
// that is left in it is freed by the thread. Who still holds a reference finds a loop that takes nothing any
// more.
//
// Thread: the main thread, except what says "Thread-safe". The last reference must not be dropped in its own
// thread.
class IOThread final : public EventLoopBase {
 public:
  static const TypeInfo type_info;

  // The thread that calls is run by an IOThread: that one; null in any other. Thread-safe.
  static IOThread* current();

  // Errors: `bad thread-pool-min/thread-pool-max values`; the system's, named by the step that failed, as
  // `Failed to initialize event notifier: Too many open files`, `Failed to create thread: ...`. Nothing is
  // left then.
  Result<void> complete() override;

  // The name of the object, kept when it leaves the tree. Thread-safe once complete.
  const std::string& id() const { return id_; }
  // There from complete() on. Thread-safe.
  AioContext& context() const;
  // The system's number of the thread; 0 when none runs. Thread-safe.
  pid_t thread_id() const { return thread_id_.load(std::memory_order_acquire); }

  // A GMainContext that the thread runs from now on, with the loop inside it, but without busy polling. Made
  // at the first call; each call must be matched by one of release_g_main_context(), and after the last the
  // thread goes back to its own loop. Thread-safe while the thread runs. Errors: no descriptors left, or the
  // thread has ended.
  Result<GMainContext*> g_main_context();
  void release_g_main_context();

  // Ends the loop from inside, after what was scheduled before, and waits for the thread. Doing it twice, or
  // before the thread was started, does nothing. Errors: called in the thread itself.
  Result<void> stop();

  PollParams poll_params() const;

  // What the kernel counts for the thread; zeros when none runs, and for the switches as long as there was no
  // descriptor to be had (or there is no /proc). Two system calls, after the first time.
  struct Usage {
    std::uint64_t cpu_ns = 0;
    std::uint64_t voluntary_switches = 0;
    std::uint64_t involuntary_switches = 0;
  };
  Usage usage();
  // Since the thread has published its number; 0 before.
  std::uint64_t uptime_ns() const;

 protected:
  AioContext* loop() const override { return context_.get(); }
  void unparent() override { (void)stop(); }

 private:
  friend Object* create<IOThread>();
  IOThread() = default;
  ~IOThread() override;

  static void class_init(ObjectClass& klass);
  Result<void> start();
  void run();
  Result<void> apply_poll_params();
  Result<void> apply_affinity();
  Result<void> check_fd_monitor();
  Result<void> make_g_main_context();
  void choose_loop();

  std::int64_t poll_max_ns_ = 32768;
  std::int64_t poll_grow_ = 0;
  std::int64_t poll_shrink_ = 0;
  std::int64_t poll_weight_ = 0;
  PollPolicy poll_policy_ = PollPolicy::arrival;
  std::vector<std::uint16_t> cpu_affinity_;
  FdMonitorKind fd_monitor_ = FdMonitorKind::poll;

  std::string id_;
  Ref<AioContext> context_;
  // Made in advance: stopping and going back to the own loop must not need memory.
  BottomHalf stop_;
  BottomHalf choose_loop_;
  std::thread thread_;
  std::atomic<pid_t> thread_id_ = 0;
  std::int64_t started_ns_ = 0;
  int status_fd_ = -1;    // the thread's status in /proc, once asked for: reading it again is one system call
  bool running_ = false;  // the thread's own

  std::mutex g_mutex_;  // the four below; the thread reads g_main_loop_ of its own
  int g_users_ = 0;
  GMainContext* g_main_context_ = nullptr;
  GMainLoop* g_main_loop_ = nullptr;
  bool in_g_main_loop_ = false;  // the thread's own: run the GMainLoop rather than the bare loop
  bool attached_ = false;        // the thread's own: the loop is a source of g_main_context_
};

// Makes an I/O thread of the program's own, outside the tree: no command shows it. The internal root keeps
// it, whatever becomes of the Ref: it runs until iothread_destroy(), which stops the thread and gives that
// reference back, or iothread_stop_all(). Errors: as object_new_with_props().
Result<Ref<IOThread>> iothread_create(std::string_view id);
void iothread_destroy(IOThread& iothread);
// The one that users made under this name; null if there is none.
IOThread* iothread_by_id(std::string_view id);
// Stops all of them, for programs that end without taking their objects apart.
void iothread_stop_all();

// The names that these have in QEMU.
inline const std::string& iothread_get_id(const IOThread& iothread) { return iothread.id(); }
inline AioContext& iothread_get_aio_context(const IOThread& iothread) { return iothread.context(); }
inline Result<GMainContext*> iothread_get_g_main_context(IOThread& iothread) {
  return iothread.g_main_context();
}
inline Result<void> iothread_stop(IOThread& iothread) { return iothread.stop(); }

// A row of query-iothreads.
struct IOThreadInfo {
  std::string id;
  std::int64_t thread_id = 0;
  std::int64_t poll_max_ns = 0;
  std::int64_t poll_grow = 0;
  std::int64_t poll_shrink = 0;
  std::int64_t aio_max_batch = 0;
  std::int64_t poll_weight = 0;
  std::int64_t thread_pool_min = 0;
  std::int64_t thread_pool_max = 0;
  std::vector<Holder> holders;
  static constexpr std::string_view type_name = "IOThreadInfo";
  static constexpr auto members =
      std::tuple(member("id", &IOThreadInfo::id, "its name below /objects"),
                 member("thread-id", &IOThreadInfo::thread_id, "the system's number of the thread"),
                 member("poll-max-ns", &IOThreadInfo::poll_max_ns,
                        "as configured: longest busy poll, in nanoseconds; 0: none"),
                 member("poll-grow", &IOThreadInfo::poll_grow, "as configured; 0: the default, 2"),
                 member("poll-shrink", &IOThreadInfo::poll_shrink,
                        "as configured; 0: the default, 2 or, with poll-policy classic, to 0"),
                 member("aio-max-batch", &IOThreadInfo::aio_max_batch, "as configured; 0: the default, 32"),
                 member("poll-weight", &IOThreadInfo::poll_weight, "as configured; 0: the default, 3"),
                 member("thread-pool-min", &IOThreadInfo::thread_pool_min, "worker threads kept when idle"),
                 member("thread-pool-max", &IOThreadInfo::thread_pool_max, "most worker threads"),
                 member("holders", &IOThreadInfo::holders, "who uses it; it can not be deleted meanwhile"));
};

// The I/O threads that users made, oldest first.
Result<std::vector<IOThreadInfo>> query_iothreads();

// Registers the types event-loop-base, iothread and main-loop with their commands, and those of object/.
// Thread-safe; calling it again does nothing.
void register_iothread_types();

}  // namespace qomio
