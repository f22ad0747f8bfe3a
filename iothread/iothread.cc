// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/iothread.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <glib.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <limits>
#include <semaphore>

#include "qomio/iothread/internal/loop.h"
#include "qomio/iothread/internal/start_thread.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {
namespace {

thread_local IOThread* current_iothread = nullptr;

// GLib ends the program when it can't have the descriptors of a GMainContext; so they are tried out first.
Result<void> check_descriptors_for_g_main_context() {
  std::array<int, 2> probes{-1, -1};
  int failed = 0;
  for (int& fd : probes) {
    fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0) failed = errno;
  }
  for (const int fd : probes) {
    if (fd >= 0) close(fd);
  }
  if (failed != 0) return errno_error(failed, "Failed to create GMainContext");
  return {};
}

// The number after a label in a text; 0 if there is none.
std::uint64_t number_after(std::string_view text, std::string_view label) {
  std::uint64_t number = 0;
  const std::size_t place = text.find(label);
  if (place != std::string_view::npos) {
    text.remove_prefix(place + label.size());
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

}  // namespace

constinit const TypeInfo IOThread::type_info{
    .name = "iothread",
    .parent = "event-loop-base",
    .create = create<IOThread>,
    .class_init = IOThread::class_init,
};

void IOThread::class_init(ObjectClass& klass) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  klass.add(property("poll-max-ns", &IOThread::poll_max_ns_)
                .range(0, kMax)
                .default_value(32768)
                .on_change(&IOThread::apply_poll_params)
                .describe("longest time to busy-poll before sleeping, in nanoseconds; 0 turns polling off"));
  klass.add(property("poll-grow", &IOThread::poll_grow_)
                .range(0, kMax)
                .default_value(0)
                .on_change(&IOThread::apply_poll_params)
                .describe("factor by which the polling window grows, where a longer one finds more; 0: 2"));
  klass.add(
      property("poll-shrink", &IOThread::poll_shrink_)
          .range(0, kMax)
          .default_value(0)
          .on_change(&IOThread::apply_poll_params)
          .describe(
              "divisor by which the polling window shrinks, where polling is in vain; 0: 2 (classic: to 0)"));
  klass.add(
      property("poll-weight", &IOThread::poll_weight_)
          .range(0, 63)
          .default_value(0)
          .on_change(&IOThread::apply_poll_params)
          .describe(
              "with poll-policy weighted: an event's share in the running mean is 1 / 2^N, 1 to 63; 0: 3"));
  klass.add(property("cpu-affinity", &IOThread::cpu_affinity_)
                .on_change(&IOThread::apply_affinity)
                .describe("list of CPUs that the thread may run on, from 0 on; empty: those of its creator"));
  klass.add(property("poll-policy", &IOThread::poll_policy_)
                .default_value(PollPolicy::arrival)
                .on_change(&IOThread::apply_poll_params)
                .describe("what the polling window is judged by: arrival, classic (as in QEMU) or weighted"));
  klass.add(
      property("fd-monitor", &IOThread::fd_monitor_)
          .default_value(FdMonitorKind::poll)
          .on_change(&IOThread::check_fd_monitor)
          .describe("what it waits for descriptors with: poll, epoll or io_uring; set before it starts"));
}

IOThread::~IOThread() {
  const auto stopped = stop();
  invariant(stopped.has_value(), "the last reference to an I/O thread was dropped in its own thread");
  if (g_main_loop_) g_main_loop_unref(g_main_loop_);
  stop_ = {};
  choose_loop_ = {};
  context_ = nullptr;  // with its GSource, before the GMainContext that this is attached to
  if (g_main_context_) g_main_context_unref(g_main_context_);
}

IOThread* IOThread::current() { return current_iothread; }

AioContext& IOThread::context() const {
  invariant(static_cast<bool>(context_), "an I/O thread has no loop before it is complete");
  return *context_;
}

PollParams IOThread::poll_params() const {
  return {.max_ns = poll_max_ns_,
          .grow = poll_grow_,
          .shrink = poll_shrink_,
          .weight = poll_weight_,
          .policy = poll_policy_};
}

Result<void> IOThread::apply_poll_params() {
  if (context_) context_->set_poll_params(poll_params());
  return {};
}

Result<void> IOThread::apply_affinity() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  for (const std::uint16_t cpu : cpu_affinity_) {
    if (cpu >= CPU_SETSIZE) return error("cpu-affinity value must be in range [0, {}]", CPU_SETSIZE - 1);
    CPU_SET(cpu, &cpus);
  }
  const pid_t tid = thread_id();
  if (tid == 0) return {};
  // The creator is the main thread, to which the process's own number stands.
  if (cpu_affinity_.empty() && sched_getaffinity(getpid(), sizeof cpus, &cpus) != 0)
    return errno_error(errno, "Failed to read CPU affinity");
  if (sched_setaffinity(tid, sizeof cpus, &cpus) != 0)
    return errno_error(errno, "Failed to set CPU affinity");
  // Of those that it may have, the kernel takes what it has, and says nothing of the others.
  cpu_set_t granted;
  if (sched_getaffinity(tid, sizeof granted, &granted) != 0)
    return errno_error(errno, "Failed to read CPU affinity");
  for (const std::uint16_t cpu : cpu_affinity_) {
    if (!CPU_ISSET(cpu, &granted)) return error("Failed to set CPU affinity: CPU {} is not to be had", cpu);
  }
  return {};
}

Result<void> IOThread::check_fd_monitor() {
  if (context_) return error("Property 'fd-monitor' can not be changed once the I/O thread has started");
  return {};
}

Result<void> IOThread::complete() {
  id_ = name();
  auto context = AioContext::create("IO " + id_, fd_monitor_);
  if (!context) return failure(context);
  context_ = std::move(*context);
  stop_ = context_->bh_new("iothread-stop", [this] {
    running_ = false;
    if (in_g_main_loop_) g_main_loop_quit(g_main_loop_);
  });
  choose_loop_ = context_->bh_new("iothread-choose-loop", [this] { choose_loop(); });
  auto started = apply_loop_params();
  if (started) started = apply_poll_params();
  if (started) started = start();
  if (started && !cpu_affinity_.empty()) started = apply_affinity();  // else inherited already
  if (!started) {
    (void)stop();
    stop_ = {};
    choose_loop_ = {};
    context_ = nullptr;
  }
  return started;
}

Result<void> IOThread::start() {
  std::binary_semaphore ready(0);
  // Made here: a lack of memory is an error now, and would be the end of the program there.
  const std::string thread_name = ("IO " + id_).substr(0, 15);
  auto thread = detail::start_thread([this, &ready, &thread_name] {
    pthread_setname_np(pthread_self(), thread_name.c_str());
    const CurrentAioContext current(*context_);
    current_iothread = this;
    // Timers are set in nanoseconds: without the 50 us by which the kernel may delay a sleeper otherwise.
    prctl(PR_SET_TIMERSLACK, 1UL);
    running_ = true;
    started_ns_ = clock_now_ns();
    thread_id_.store(gettid(), std::memory_order_release);
    ready.release();
    run();
    // Nobody runs the loop after this. Something posted may hold a Ref of it, so what is left is freed now.
    context_->close();
    current_iothread = nullptr;
  });
  if (!thread) return failure(thread);
  thread_ = std::move(*thread);
  ready.acquire();
  return {};
}

void IOThread::run() {
  while (running_) {
    if (!in_g_main_loop_) {
      context_->poll(true);
      continue;
    }
    // The loop is a source of this context now. Both stay until the thread has left them: see
    // release_g_main_context().
    GMainContext* context = g_main_loop_get_context(g_main_loop_);
    g_main_context_push_thread_default(context);
    g_main_loop_run(g_main_loop_);
    g_main_context_pop_thread_default(context);
  }
}

Result<void> IOThread::stop() {
  if (current() == this) return error("I/O thread '{}' can not stop itself", id_);
  require_main_thread("IOThread::stop()");
  if (!thread_.joinable()) return {};
  // A bottom half, since a flag and a wake-up may be missed: the wake-up is allowed to be elided just before
  // the loop blocks. And from inside, since only the thread itself knows which of its two loops it is in.
  stop_.schedule();
  {
    const detail::Loop::Joining joining(*context_);
    thread_.join();
  }
  if (status_fd_ >= 0) close(std::exchange(status_fd_, -1));
  thread_id_.store(0, std::memory_order_release);
  return {};
}

std::uint64_t IOThread::uptime_ns() const {
  return started_ns_ == 0 ? 0 : static_cast<std::uint64_t>(clock_now_ns() - started_ns_);
}

IOThread::Usage IOThread::usage() {
  require_main_thread("IOThread::usage()");
  Usage usage;
  if (thread_id() == 0) return usage;
  clockid_t clock = 0;
  timespec cpu{};
  if (pthread_getcpuclockid(thread_.native_handle(), &clock) == 0 && clock_gettime(clock, &cpu) == 0) {
    usage.cpu_ns = static_cast<std::uint64_t>(to_ns(cpu));
  }
  if (status_fd_ < 0) {
    const std::string path = fmt::format("/proc/self/task/{}/status", thread_id());
    status_fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    // Without a descriptor to be had, all else is still worth knowing, then most of all.
    if (status_fd_ < 0) return usage;
  }
  std::array<char, 4096> buffer{};
  const ssize_t size = pread(status_fd_, buffer.data(), buffer.size(), 0);
  const std::string_view text(buffer.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  usage.voluntary_switches = number_after(text, "\nvoluntary_ctxt_switches:\t");
  usage.involuntary_switches = number_after(text, "\nnonvoluntary_ctxt_switches:\t");
  return usage;
}

Result<void> IOThread::make_g_main_context() {
  if (auto r = check_descriptors_for_g_main_context(); !r) return r;
  g_main_context_ = g_main_context_new();
  g_main_loop_ = g_main_loop_new(g_main_context_, FALSE);
  return {};
}

Result<GMainContext*> IOThread::g_main_context() {
  const std::scoped_lock lock(g_mutex_);
  if (thread_id() == 0) return error("I/O thread '{}' does not run", id_);
  if (!g_main_context_) {
    if (auto r = make_g_main_context(); !r) return failure(r);
  }
  // Nobody waits for the thread here: it may be asking for its context itself.
  if (g_users_++ == 0) choose_loop_.schedule();
  return g_main_context_;
}

// In the thread.
void IOThread::choose_loop() {
  const std::scoped_lock lock(g_mutex_);
  if (!std::exchange(attached_, true)) g_source_attach(context_->g_source(), g_main_context_);
  in_g_main_loop_ = g_users_ > 0;
  if (!in_g_main_loop_) g_main_loop_quit(g_main_loop_);
}

void IOThread::release_g_main_context() {
  const std::scoped_lock lock(g_mutex_);
  invariant(g_users_ > 0, "a GMainContext was given back that nobody had");
  if (--g_users_ > 0 || thread_id() == 0) return;
  choose_loop_.schedule();
}

Result<Ref<IOThread>> iothread_create(std::string_view id) {
  auto made = object_new_with_props(IOThread::type_info.name, internal_root(), id);
  if (!made) return failure(made);
  return Ref<IOThread>(object_check<IOThread>(**made));
}

void iothread_destroy(IOThread& iothread) { object_unparent(iothread); }

IOThread* iothread_by_id(std::string_view id) { return object_cast<IOThread>(objects_root().child(id)); }

void iothread_stop_all() {
  auto stop = [](Object& object) {
    if (auto* iothread = object_cast<IOThread>(&object)) (void)iothread->stop();
    return 0;
  };
  object_child_foreach_recursive(objects_root(), stop);
  object_child_foreach_recursive(internal_root(), stop);
}

Result<std::vector<IOThreadInfo>> query_iothreads() {
  std::vector<IOThreadInfo> infos;
  object_child_foreach(objects_root(), [&](Object& object) {
    if (const auto* iothread = object_cast<IOThread>(&object)) {
      const PollParams poll = iothread->poll_params();
      infos.push_back({.id = iothread->id(),
                       .thread_id = iothread->thread_id(),
                       .poll_max_ns = poll.max_ns,
                       .poll_grow = poll.grow,
                       .poll_shrink = poll.shrink,
                       .aio_max_batch = iothread->aio_max_batch(),
                       .poll_weight = poll.weight,
                       .thread_pool_min = iothread->thread_pool_min(),
                       .thread_pool_max = iothread->thread_pool_max(),
                       .holders = iothread->holders()});
    }
    return 0;
  });
  return infos;
}

}  // namespace qomio
