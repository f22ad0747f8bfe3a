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
#include <atomic>
#include <cerrno>
#include <charconv>
#include <concepts>
#include <ctime>
#include <mutex>
#include <semaphore>
#include <thread>
#include <utility>

#include "qomio/iothread/internal/joining.h"
#include "qomio/iothread/internal/start_thread.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {
namespace {

thread_local IOThread* current_iothread = nullptr;

// GLib aborts the program if it gets no descriptors for a GMainContext, so check first that two are
// available.
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

constinit const TypeInfo EventLoopBase::type_info{
    .name = "event-loop-base",
    .parent = "object",
    .abstract = true,
    .interfaces = {"user-creatable"},
    .class_init = EventLoopBase::class_init,
};

void EventLoopBase::class_init(ObjectClass& klass) {
  add_settings(klass, SettingKind::file_io);
  add_settings(klass, SettingKind::thread_pool);
}

void EventLoopBase::add_settings(ObjectClass& klass, SettingKind kind) {
  for_each_setting(kind, [&]<class T>(const Setting<T>& setting) {
    const auto get = [member = setting.member](const Object& object) {
      return static_cast<const EventLoopBase&>(object).params_.*member;
    };
    const auto set = [member = setting.member](Object& object, T value) -> Result<void> {
      static_cast<EventLoopBase&>(object).params_.*member = value;
      return {};
    };
    auto declared = property<T>(setting.name, get, set)
                        .default_value(LoopParams{}.*setting.member)
                        .on_change(static_cast<Property::Hook>(&EventLoopBase::apply_params))
                        .describe(setting.help);
    if constexpr (std::integral<T>) {
      klass.add(std::move(declared).range(setting.low, setting.high));
    } else {
      klass.add(std::move(declared));
    }
  });
}

Result<void> EventLoopBase::apply_params() {
  AioContext* const context = loop();
  if (!context) return {};
  if (auto r = params_.check(); !r) return r;
  context->set_params(params_);
  return {};
}

constinit const TypeInfo IOThread::type_info{
    .name = "iothread",
    .parent = "event-loop-base",
    .create = create<IOThread>,
    .class_init = IOThread::class_init,
};

void IOThread::class_init(ObjectClass& klass) {
  add_settings(klass, SettingKind::polling);
  klass.add(property("cpu-affinity", &IOThread::cpu_affinity_)
                .on_change(&IOThread::apply_affinity)
                .describe("list of CPUs that the thread may run on, from 0; empty: those of its creator"));
  add_settings(klass, SettingKind::poll_policy);
  klass.add(
      property("fd-monitor", &IOThread::fd_monitor_)
          .default_value(FdMonitorKind::poll)
          .on_change(&IOThread::check_fd_monitor)
          .describe("how the loop waits for descriptors: poll, epoll or io_uring; set before it starts"));
}

struct IOThread::State {
  Ref<AioContext> context;
  // Created in advance: stopping, and returning to the thread's own loop, must not need memory.
  BottomHalf stop;
  BottomHalf choose_loop;
  std::thread thread;
  std::atomic<pid_t> thread_id = 0;
  std::int64_t started_ns = 0;
  int status_fd = -1;    // the thread's status file in /proc, kept open so that reading it is one system call
  bool running = false;  // used by the thread only

  std::mutex g_mutex;  // guards the next three; the thread reads g_main_loop without it
  int g_users = 0;
  GMainContext* g_main_context = nullptr;
  GMainLoop* g_main_loop = nullptr;
  bool in_g_main_loop = false;  // used by the thread only: run the GMainLoop in place of the bare loop
  bool attached = false;        // used by the thread only: the loop is a source of g_main_context
};

IOThread::IOThread() : state_(std::make_unique<State>()) {}

IOThread::~IOThread() {
  const auto stopped = stop();
  invariant(stopped.has_value(), "the last reference to an I/O thread was dropped in its own thread");
  if (state_->g_main_loop) g_main_loop_unref(state_->g_main_loop);
  state_->stop = {};
  state_->choose_loop = {};
  state_->context = nullptr;  // destroys its GSource too, before the GMainContext to which that is attached
  if (state_->g_main_context) g_main_context_unref(state_->g_main_context);
}

IOThread* IOThread::current() { return current_iothread; }

AioContext& IOThread::context() const {
  invariant(static_cast<bool>(state_->context), "an I/O thread has no loop before it is complete");
  return *state_->context;
}

AioContext* IOThread::loop() const { return state_->context.get(); }

pid_t IOThread::thread_id() const { return state_->thread_id.load(std::memory_order_acquire); }

Result<void> IOThread::apply_affinity() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  for (const std::uint16_t cpu : cpu_affinity_) {
    if (cpu >= CPU_SETSIZE) return error("cpu-affinity value must be in range [0, {}]", CPU_SETSIZE - 1);
    CPU_SET(cpu, &cpus);
  }
  const pid_t tid = thread_id();
  if (tid == 0) return {};
  // The creator is the main thread, whose thread ID equals getpid().
  if (cpu_affinity_.empty() && sched_getaffinity(getpid(), sizeof cpus, &cpus) != 0)
    return errno_error(errno, "Failed to read CPU affinity");
  if (sched_setaffinity(tid, sizeof cpus, &cpus) != 0)
    return errno_error(errno, "Failed to set CPU affinity");
  // sched_setaffinity() silently drops CPUs that do not exist, so check what was granted.
  cpu_set_t granted;
  if (sched_getaffinity(tid, sizeof granted, &granted) != 0)
    return errno_error(errno, "Failed to read CPU affinity");
  for (const std::uint16_t cpu : cpu_affinity_) {
    if (!CPU_ISSET(cpu, &granted)) return error("Failed to set CPU affinity: CPU {} is not available", cpu);
  }
  return {};
}

Result<void> IOThread::check_fd_monitor() {
  if (state_->context)
    return error("Property 'fd-monitor' can not be changed once the I/O thread has started");
  return {};
}

Result<void> IOThread::complete() {
  id_ = name();
  auto context = AioContext::create("IO " + id_, fd_monitor_);
  if (!context) return failure(context);
  state_->context = std::move(*context);
  state_->stop = state_->context->bh_new("iothread-stop", [this] {
    state_->running = false;
    if (state_->in_g_main_loop) g_main_loop_quit(state_->g_main_loop);
  });
  state_->choose_loop = state_->context->bh_new("iothread-choose-loop", [this] { choose_loop(); });
  auto started = apply_params();
  if (started) started = start();
  if (started && !cpu_affinity_.empty()) started = apply_affinity();  // otherwise inherited already
  if (!started) {
    (void)stop();
    state_->stop = {};
    state_->choose_loop = {};
    state_->context = nullptr;
  }
  return started;
}

Result<void> IOThread::start() {
  std::binary_semaphore ready(0);
  // Built here, since running out of memory in the thread would end the program.
  const std::string thread_name = ("IO " + id_).substr(0, 15);
  auto thread = internal::start_thread([this, &ready, &thread_name] {
    pthread_setname_np(pthread_self(), thread_name.c_str());
    const CurrentAioContext current(*state_->context);
    current_iothread = this;
    // Timers are set in nanoseconds, so turn off the 50 us by which the kernel may otherwise delay a sleeper.
    prctl(PR_SET_TIMERSLACK, 1UL);
    state_->running = true;
    state_->started_ns = clock_now_ns();
    state_->thread_id.store(gettid(), std::memory_order_release);
    ready.release();
    run();
    // The loop is not run again. A posted callable may own a Ref to it, so everything left is destroyed now.
    state_->context->close();
    current_iothread = nullptr;
  });
  if (!thread) return failure(thread);
  state_->thread = std::move(*thread);
  ready.acquire();
  return {};
}

void IOThread::run() {
  while (state_->running) {
    if (!state_->in_g_main_loop) {
      state_->context->poll(true);
      continue;
    }
    // The loop is a source of this context now. Neither the context nor the GMainLoop is freed before this
    // object.
    GMainContext* context = g_main_loop_get_context(state_->g_main_loop);
    g_main_context_push_thread_default(context);
    g_main_loop_run(state_->g_main_loop);
    g_main_context_pop_thread_default(context);
  }
}

Result<void> IOThread::stop() {
  if (current() == this) return error("I/O thread '{}' can not stop itself", id_);
  require_main_thread("IOThread::stop()");
  if (!state_->thread.joinable()) return {};
  // Stops from a bottom half, since a flag and a wake-up could be missed: the wake-up may be elided just
  // before the loop blocks. Also, only the thread itself knows which of its two loops it is running.
  state_->stop.schedule();
  {
    const internal::Joining joining(*state_->context);
    state_->thread.join();
  }
  if (state_->status_fd >= 0) close(std::exchange(state_->status_fd, -1));
  state_->thread_id.store(0, std::memory_order_release);
  return {};
}

std::uint64_t IOThread::uptime_ns() const {
  return state_->started_ns == 0 ? 0 : static_cast<std::uint64_t>(clock_now_ns() - state_->started_ns);
}

IOThread::Usage IOThread::usage() {
  require_main_thread("IOThread::usage()");
  Usage usage;
  if (thread_id() == 0) return usage;
  clockid_t clock = 0;
  timespec cpu{};
  if (pthread_getcpuclockid(state_->thread.native_handle(), &clock) == 0 && clock_gettime(clock, &cpu) == 0) {
    usage.cpu_ns = static_cast<std::uint64_t>(to_ns(cpu));
  }
  if (state_->status_fd < 0) {
    const std::string path = fmt::format("/proc/self/task/{}/status", thread_id());
    state_->status_fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    // Without a descriptor, report the CPU time alone.
    if (state_->status_fd < 0) return usage;
  }
  std::array<char, 4096> buffer{};
  const ssize_t size = pread(state_->status_fd, buffer.data(), buffer.size(), 0);
  const std::string_view text(buffer.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  usage.voluntary_switches = number_after(text, "\nvoluntary_ctxt_switches:\t");
  usage.involuntary_switches = number_after(text, "\nnonvoluntary_ctxt_switches:\t");
  return usage;
}

Result<void> IOThread::make_g_main_context() {
  if (auto r = check_descriptors_for_g_main_context(); !r) return r;
  state_->g_main_context = g_main_context_new();
  state_->g_main_loop = g_main_loop_new(state_->g_main_context, FALSE);
  return {};
}

Result<GMainContext*> IOThread::g_main_context() {
  const std::scoped_lock lock(state_->g_mutex);
  if (thread_id() == 0) return error("I/O thread '{}' is not running", id_);
  if (!state_->g_main_context) {
    if (auto r = make_g_main_context(); !r) return failure(r);
  }
  // This does not wait for the thread, which may be the caller.
  if (state_->g_users++ == 0) state_->choose_loop.schedule();
  return state_->g_main_context;
}

// Runs in the thread.
void IOThread::choose_loop() {
  const std::scoped_lock lock(state_->g_mutex);
  if (!std::exchange(state_->attached, true))
    g_source_attach(state_->context->g_source(), state_->g_main_context);
  state_->in_g_main_loop = state_->g_users > 0;
  if (!state_->in_g_main_loop) g_main_loop_quit(state_->g_main_loop);
}

void IOThread::release_g_main_context() {
  const std::scoped_lock lock(state_->g_mutex);
  invariant(state_->g_users > 0, "a GMainContext was released more often than it was acquired");
  if (--state_->g_users > 0 || thread_id() == 0) return;
  state_->choose_loop.schedule();
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

}  // namespace qomio
