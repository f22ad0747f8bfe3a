// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "qomio/iothread/bottom_half.h"
#include "qomio/iothread/event_notifier.h"
#include "qomio/iothread/fd_handlers.h"
#include "qomio/iothread/function_ref.h"
#include "qomio/iothread/internal/loop_counters.h"
#include "qomio/iothread/internal/poll_controller.h"
#include "qomio/iothread/internal/shared_value.h"
#include "qomio/iothread/loop_params.h"
#include "qomio/iothread/loop_stats.h"
#include "qomio/iothread/running_call.h"
#include "qomio/iothread/timer.h"
#include "qomio/object/ref.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/internal/invariant.h"

typedef struct _GSource GSource;

namespace qomio {

class AioContext;
class FileIo;
class ThreadPool;

namespace detail {
class CoroutineRun;
// Here for speed: many calls look whether they are at home. It needs no construction.
extern constinit thread_local AioContext* current_loop;
// The loop whose thread pool the thread belongs to; null: none.
extern constinit thread_local AioContext* pool_of_thread;
}  // namespace detail

// An event loop: descriptors, timers and bottom halves (calls asked for by any thread), run by one thread,
// its home thread, which is the one that has made the loop its current one (CurrentAioContext).
//
// An iteration busy-polls for up to its window before it sleeps; while it does, a waker needs no system call.
//
// Thread: functions are for the home thread unless they say "Thread-safe".
// Owns what is registered with it until that is taken away or the loop ends. A loop ends by close() or when
// its last Ref is dropped; no other thread may be calling it then. An IOThread closes its loop when it stops,
// a MainLoop when it is destroyed. Everything posted or registered is then destroyed without being called:
// one-shots, handlers, timers, coroutines, jobs that have not started. What is posted later is destroyed at
// once, in the thread that posts it.
//
// A callable that holds a Ref of its own loop keeps the loop until close(). If you run a loop yourself and
// post such callables, call close() at the end; otherwise the loop is never freed.
//
// What the loop calls must not throw: an exception that leaves a handler, a poll callback, a timer, a bottom
// half, a one-shot, a coroutine or a job ends the program with an abort that names it and what().
//
// Without memory: running, waking, waiting, scheduling a BottomHalf, setting a Timer, taking away a handler
// and ending need none. What makes something new throws std::bad_alloc then, and has changed nothing:
// bh_new(), timer(), schedule_oneshot(), and adding a handler.
class AioContext {
 public:
  // A loop with nobody running it. The name appears in messages. monitor: what it starts to wait with, see
  // FdMonitor. io_uring isn't the default, although the kernel may have it: measured on Linux 6.18, it is as
  // fast as poll and epoll for single wake-ups, but takes a third more time per event where many descriptors
  // are ready at once, and four times as long to be seen by a loop that busy-polls, since the kernel must
  // interrupt the loop's processor to fill the ring.
  // Errors: no descriptor is to be had ("Failed to initialize event notifier: Too many open files").
  static Result<Ref<AioContext>> create(std::string name = "aio-context",
                                        FdMonitorKind monitor = FdMonitorKind::poll);

  AioContext(const AioContext&) = delete;
  AioContext& operator=(const AioContext&) = delete;

  // Thread-safe. For Ref. More than 2^31 references, or one that is given back too often, are a broken
  // invariant.
  void ref() {
    invariant(refs_.fetch_add(1, std::memory_order_relaxed) < std::uint32_t{1} << 31,
              "a loop has more references than can be counted");
  }
  void unref();

  // Ends the loop, see above; it can't be run again. Waits for the jobs of its thread pool that have started.
  // A second call does nothing. Thread: the home thread, but not from a callback of the loop; any thread, if
  // the loop has no home thread and no other thread is calling it.
  void close();
  // Thread-safe.
  bool is_closed() const { return closed_.load(std::memory_order_seq_cst); }

  // Thread-safe.
  const std::string& name() const { return name_; }
  // Thread-safe. The calling thread's own loop, null if it has none.
  static AioContext* current() { return detail::current_loop; }
  // Thread-safe. The caller is this loop's home thread.
  bool in_home_thread() const { return current() == this; }

  // One iteration; blocking: sleeps until there is something to do. True if something was done. May be called
  // from inside anything that the loop calls: what is left of the iteration outside is then done first.
  bool poll(bool blocking);

  // How long an iteration may sleep: 0 not at all, -1 without limit, else ns.
  std::int64_t compute_timeout();

  // Thread-safe. Ends the sleep that is going on, or prevents the next one. What was published before is seen
  // by the iteration that follows. Rarely needed: everything below does it by itself.
  void notify();
  // Takes note of notifications; done by each iteration before it looks for work.
  void notify_accept();

  // Thread-safe. Watches fd in place of what was set before; empty handlers: stops watching. From another
  // thread the change is made by the loop, in order with the bottom halves; use run_in() to know that it has
  // been made, before closing the descriptor for example. What another thread adds while the loop has no
  // memory to watch one more is watched as soon as there is.
  void set_fd_handler(int fd, FdHandlers handlers);
  // The same for an event notifier: clears it, then calls handlers.read.
  void set_event_notifier(EventNotifier& notifier, FdHandlers handlers);
  // A handler for one direction alone, which leaves the other as it is; owner: anything of the caller's that
  // tells it from others. False, and nothing is changed: that direction has one.
  bool add_fd_handler(int fd, FdDirection direction, std::function<void()> function, const void* owner);
  // Takes it away; harmless when somebody else has done so.
  void remove_fd_handler(int fd, FdDirection direction, const void* owner);

  // Thread-safe. A call that can be asked for again and again; the name appears in messages, and stays with
  // the loop, so it should be one of a few. It starts unscheduled.
  template <class Function>
  BottomHalf bh_new(std::string_view name, Function&& function) {
    using Call = detail::BottomHalfCall<detail::NamedBottomHalfNode, std::decay_t<Function>>;
    return adopt(*new Call(std::forward<Function>(function), *this, kept_name(name)));
  }

  // Thread-safe. Calls function once, after all that was scheduled before, and frees it. A loop that ends
  // frees what it hasn't run. Takes memory, now and then for a small function, always for one of more than
  // five words: what must not fail schedules a BottomHalf made before.
  template <class Function>
  void schedule_oneshot(Function&& function) {
    using Call = detail::BottomHalfCall<detail::BottomHalfNode, std::decay_t<Function>>;
    schedule(*new Call(std::forward<Function>(function)), false);
  }

  // Thread-safe. Calls function in the loop and waits until it has returned; in the home thread, calls it
  // directly. A loop that no thread has run yet is waited for.
  // Returns false, without calling function, if no thread can run it: the loop has ended or lost its home
  // thread, before the call or during the wait; MainLoop::run() has returned; or the loop's thread is itself
  // waiting for the calling IOThread or thread pool to end. Two loops that call each other wait for ever, as
  // do a thread and one that joins it by other means.
  bool run_in(FunctionRef<void()> function);

  // Waits until condition() is false, which is asked in the calling thread: before the first iteration and
  // after each. In the home thread this loop is iterated meanwhile. The main thread may wait for another
  // loop, as it iterates its own, which it must have; no other thread may, lest two loops wait for each
  // other. Sources of GLib are not served meanwhile.
  // False: condition() is still true, but the other loop has ended or its thread has given it up.
  bool wait_while(FunctionRef<bool()> condition);
  // Thread-safe. To be called after whatever may end a wait_while() on this loop. Costs next to nothing when
  // nobody waits.
  void wait_kick();

  // Thread-safe. A timer that isn't armed yet.
  Timer timer(std::function<void()> callback, ClockType clock = ClockType::monotonic) {
    return {*this, std::move(callback), clock};
  }

  // Thread-safe. Takes effect in the running loop at once: polling windows start again from 0, and surplus
  // worker threads end when they are idle. LoopParams::check() must pass. A new loop does not poll
  // (poll_max_ns 0) and has the defaults otherwise.
  void set_params(const LoopParams& params);
  LoopParams params() const { return params_.get(); }

  // The threads of this loop for work that blocks. Made at the first call, without a thread.
  ThreadPool& thread_pool();
  // Files read and written without blocking this loop. Made at the first call.
  FileIo& file_io();

  // The loop as a source of a GMainContext, which must be run by the home thread; without busy polling. Made
  // once, at the first call; owned by the loop.
  GSource* g_source();

  // Thread-safe, without a lock that the loop takes. Members are read one by one, except the three times.
  LoopStats stats() const;
  // Thread-safe, without a lock. What the loop is calling at this moment.
  RunningCall running_call() const { return running_call_.get(); }

 private:
  friend class BottomHalf;
  friend class Timer;
  friend class CurrentAioContext;
  friend class FileIo;
  friend class IOThread;
  friend class MainLoop;
  friend class ThreadPool;
  friend class detail::CoroutineRun;
  class AwaitedCall;
  class Joining;
  struct Source;
  struct Nesting;
  struct Waiter;

  AioContext(std::string name, EventNotifier notifier, FdMonitor monitor);
  ~AioContext();

  const char* kept_name(std::string_view name);
  BottomHalf adopt(detail::NamedBottomHalfNode& node);
  void schedule(detail::BottomHalfNode& node, bool idle);
  void release(detail::NamedBottomHalfNode& node);
  // The memory stays as long as a Timer is there, which may be longer than the loop.
  void keep() { keepers_.fetch_add(1, std::memory_order_relaxed); }
  void let_go();
  void refuse_calls(bool refuse);
  void drop_calls(const AioContext* of);
  detail::TimerList& timer_list(ClockType clock) {
    return clock == ClockType::monotonic ? monotonic_timers_ : realtime_timers_;
  }
  // The home thread looks at all its work before it sleeps, unless it is on its way to sleep already.
  void wake_from_home() {
    if (looking_) notify();
  }
  void wake_sleeper();

  std::int64_t timeout_from(std::int64_t now_ns);
  void count_busy(std::int64_t now_ns, bool outermost);
  void count_sleep(std::int64_t now_ns);
  bool end_poll_mode();
  void apply_params();
  bool announce_sleep();
  bool notified() const;
  void withdraw_sleep();
  std::int64_t busy_poll(std::int64_t window_ns, std::int64_t start_ns, bool& hit);
  void report_wait(std::int64_t start_ns, std::int64_t end_ns, bool notified, std::int64_t stamp_ns);
  std::uint32_t accept_notifications(std::uint32_t scheduled);
  bool dispatch();
  bool dispatch_all();
  void iterate_in_source(bool look);
  void destroy_source();

  std::atomic<std::uint32_t> refs_ = 0;
  std::atomic<std::uint32_t> keepers_ = 1;  // all Refs together, and each Timer
  const std::string name_;
  std::atomic<bool> has_home_ = false;
  std::atomic<bool> given_up_ = false;  // had a home, and has none
  std::atomic<bool> closed_ = false;

  // What wakers and the sleeper share; see notify(). What is looked at while polling is apart from what a
  // waker only reads then: each line of the cache that travels costs as much as all else in a post.
  alignas(64) std::atomic<std::uint32_t> notifications_ = 0;  // not accepted yet
  detail::BottomHalfQueue bottom_halves_;
  alignas(64) std::atomic<bool> sleeping_ = false;  // announced, and no waker has taken it on yet
  std::atomic<std::int64_t> stamp_ns_ = 0;  // when a waker made its system call in this sleep; 0: none did
  EventNotifier notifier_;

  detail::TimerList monotonic_timers_{*this, ClockType::monotonic};
  detail::TimerList realtime_timers_{*this, ClockType::realtime};
  detail::FdHandlerSet handlers_;

  std::mutex alive_mutex_;                                // guards the two
  std::set<std::string, std::less<>> bottom_half_names_;  // all there have been, each once
  detail::NamedBottomHalfNode* alive_bottom_halves_ = nullptr;

  detail::SharedValue<LoopParams> params_{LoopParams{.poll_max_ns = 0}};
  std::atomic<ThreadPool*> thread_pool_ = nullptr;  // owned; made by the home thread
  std::unique_ptr<FileIo> file_io_;

  std::mutex calls_mutex_;                      // guards the three
  AwaitedCall* first_call_ = nullptr;           // of a list of those inside run_in(), each in its own frame
  bool refuses_calls_ = false;                  // run_in() returns false
  const AioContext* refused_caller_ = nullptr;  // the home thread waits for this one's threads

  std::atomic<std::uint32_t> waiters_ = 0;  // frames inside wait_while()
  std::mutex waiter_mutex_;                 // guards the one below
  Waiter* first_waiter_ = nullptr;          // of a list of them, each in its own frame

  // Home thread only.
  std::uint32_t params_version_ = 0;  // of those that the controller has
  PollController controller_{LoopParams{.poll_max_ns = 0}};
  HandlerWindow notifier_window_;
  WakeupCost wakeup_cost_;
  int depth_ = 0;          // iterations inside each other
  bool looking_ = false;   // between computing the timeout and the end of the sleep
  int skipped_looks_ = 0;  // iterations since the descriptors were looked at
  Source* source_ = nullptr;
  detail::CoroutineRun* coroutine_run_ = nullptr;  // the innermost

  detail::LoopCounters counters_;
  detail::RunningCallMark running_call_;
};

// As long as it lives, the calling thread waits for threads of `joined`, and so does no call that they make
// of this thread's loop by run_in().
class AioContext::Joining {
 public:
  explicit Joining(const AioContext& joined);
  Joining(const Joining&) = delete;
  Joining& operator=(const Joining&) = delete;
  ~Joining();

 private:
  AioContext* const own_;  // null: the calling thread has none
  const AioContext* outer_ = nullptr;
};

// Makes a loop the calling thread's current one as long as it lives, which makes that thread the loop's home,
// and registers the thread with liburcu. A second one in the same thread, or a second home, is a broken
// invariant.
class CurrentAioContext {
 public:
  explicit CurrentAioContext(AioContext& loop);
  CurrentAioContext(const CurrentAioContext&) = delete;
  CurrentAioContext& operator=(const CurrentAioContext&) = delete;
  ~CurrentAioContext();

 private:
  Ref<AioContext> loop_;
};

}  // namespace qomio
