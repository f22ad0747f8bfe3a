// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/stall_watch.h"

#include <glib.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/start_thread.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/interface.h"

namespace qomio {
namespace {

constexpr std::string_view kEvent = "IOTHREAD_STALL";
constexpr std::string_view kMainLoopEvent = "MAIN_LOOP_STALL";
constexpr std::uint64_t kLeastNs = 1'000'000;  // what a GLib timeout can tell apart

double seconds(std::uint64_t ns) { return static_cast<double>(ns) * 1e-9; }

// Looks at the main loop from a thread of its own. Thread: the main thread, except what says otherwise.
class MainLoopWatch {
 public:
  static Result<std::unique_ptr<MainLoopWatch>> start(std::int64_t threshold_ns, std::int64_t interval_ns) {
    std::unique_ptr<MainLoopWatch> watch(new MainLoopWatch(threshold_ns, interval_ns));
    auto thread = detail::start_thread([&self = *watch] { self.run(); });
    if (!thread) return failure(thread);
    watch->thread_ = std::move(*thread);
    return watch;
  }
  MainLoopWatch(const MainLoopWatch&) = delete;
  MainLoopWatch& operator=(const MainLoopWatch&) = delete;
  ~MainLoopWatch() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    end_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  // To be called by the main loop every interval_ns. The stall that has ended, if there was one.
  std::optional<MainLoopStall> beat() {
    const std::int64_t now = clock_now_ns();
    const std::lock_guard lock(mutex_);
    const std::int64_t late = now - (beat_ns_ + interval_ns_);
    beat_ns_ = now;
    looks_ = 0;
    if (found_in_.empty()) return std::nullopt;
    return MainLoopStall{.stalled_ns = static_cast<std::uint64_t>(late),
                         .call = std::exchange(found_in_, {})};
  }

 private:
  MainLoopWatch(std::int64_t threshold_ns, std::int64_t interval_ns)
      : threshold_ns_(threshold_ns), interval_ns_(interval_ns), beat_ns_(clock_now_ns()) {
    if (AioContext* const loop = AioContext::current()) loop_ = Ref(*loop);
  }

  // The watching thread.
  void run() {
    pthread_setname_np(pthread_self(), "stall watch");
    std::unique_lock lock(mutex_);
    while (!end_.wait_for(lock, std::chrono::nanoseconds(interval_ns_), [this] { return ending_; }))
      look(lock);
  }

  void look(std::unique_lock<std::mutex>& lock) {
    // Several looks, not the time alone: this thread may have been stopped together with the main loop.
    constexpr int kLooks = 3;
    const std::int64_t late = clock_now_ns() - (beat_ns_ + interval_ns_);
    if (++looks_ < kLooks || late < threshold_ns_ || !found_in_.empty()) return;
    std::string found_in = main_call();
    // Without the lock: whoever takes the log may be slow, which must not hold the main loop up.
    lock.unlock();
    g_warning("the main loop has been held up for %.3f s: %s", seconds(static_cast<std::uint64_t>(late)),
              found_in.c_str());
    lock.lock();
    found_in_ = std::move(found_in);
  }

  std::string main_call() const {
    if (const char* const name = interface_.running_command()) return std::string("command '") + name + "'";
    const RunningCall call = loop_ ? loop_->running_call() : RunningCall{};
    if (call.kind != RunningCall::Kind::none) return call.describe();
    return "unknown: a source of GLib, or the CPU is with others";
  }

  const std::int64_t threshold_ns_;
  const std::int64_t interval_ns_;
  const Interface& interface_ = Interface::process();
  Ref<AioContext> loop_;  // null: the main thread has none

  std::mutex mutex_;  // the five below
  std::condition_variable end_;
  bool ending_ = false;
  std::int64_t beat_ns_;
  int looks_ = 0;         // since the beat
  std::string found_in_;  // not empty: a stall was found
  std::thread thread_;
};

// Looks from a timeout of the main context; the source of the events, so that it lives as long as they are
// offered.
class Reporter {
 public:
  Reporter() = default;
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;
  ~Reporter() { stop(); }

  Result<void> set_threshold(std::int64_t threshold_ns) {
    if (threshold_ns == 0) {
      stop();
      return {};
    }
    constexpr std::int64_t kMillisecondNs = 1'000'000;
    const std::int64_t interval_ms =
        std::clamp<std::int64_t>(threshold_ns / 2 / kMillisecondNs, 1, 3'600'000);
    auto main_watch = MainLoopWatch::start(threshold_ns, interval_ms * kMillisecondNs);
    if (!main_watch) return failure(main_watch);
    stop();
    main_watch_ = std::move(*main_watch);
    threshold_ns_ = threshold_ns;
    timeout_ = g_timeout_add(static_cast<guint>(interval_ms), look, this);
    return {};
  }

 private:
  static gboolean look(gpointer data) {
    auto& self = *static_cast<Reporter*>(data);
    const auto main_stall = self.main_watch_->beat();
    const auto stalls = self.watch_.look(clock_now_ns(), self.threshold_ns_);
    for (const IOThreadStall& stall : stalls) {
      g_warning("I/O thread '%s' has been in one call for %.3f s: %s", stall.id.c_str(),
                seconds(stall.stalled_ns), stall.call.c_str());
      Interface::process().emit(kEvent, stall);
    }
    if (main_stall) Interface::process().emit(kMainLoopEvent, *main_stall);
    return G_SOURCE_CONTINUE;
  }

  void stop() {
    if (timeout_ != 0) g_source_remove(timeout_);
    timeout_ = 0;
    watch_ = {};
    main_watch_ = nullptr;
  }

  StallWatch watch_;
  std::unique_ptr<MainLoopWatch> main_watch_;
  std::int64_t threshold_ns_ = 0;
  guint timeout_ = 0;
};

}  // namespace

std::int64_t StalledCall::look(const RunningCall& call, std::int64_t now_ns, std::int64_t threshold_ns) {
  if (call.kind == RunningCall::Kind::none || call.number != call_) {
    *this = {};
    call_ = call.number;
    since_ns_ = now_ns;
    return 0;
  }
  const std::int64_t stalled_ns = now_ns - since_ns_;
  if (told_ || stalled_ns < threshold_ns) return 0;
  told_ = true;
  return stalled_ns;
}

std::vector<IOThreadStall> StallWatch::look(std::int64_t now_ns, std::int64_t threshold_ns) {
  std::vector<IOThreadStall> stalls;
  std::set<std::int64_t> alive;
  object_child_foreach(objects_root(), [&](Object& object) {
    const auto* iothread = object_cast<IOThread>(&object);
    if (!iothread || iothread->thread_id() == 0) return 0;
    alive.insert(iothread->thread_id());
    const RunningCall call = iothread->context().running_call();
    const std::int64_t stalled_ns = calls_[iothread->thread_id()].look(call, now_ns, threshold_ns);
    if (stalled_ns != 0) {
      stalls.push_back({.id = iothread->id(),
                        .thread_id = iothread->thread_id(),
                        .stalled_ns = static_cast<std::uint64_t>(stalled_ns),
                        .call = call.describe()});
    }
    return 0;
  });
  std::erase_if(calls_, [&](const auto& entry) { return !alive.contains(entry.first); });
  return stalls;
}

Result<void> iothread_report_stalls(const IOThreadReportStallsArguments& arguments) {
  const std::uint64_t threshold = arguments.threshold_ns;
  if (threshold != 0 && (threshold < kLeastNs || threshold > INT64_MAX)) {
    return error("threshold-ns value must be 0 or in range [{}, {}]", kLeastNs, INT64_MAX);
  }
  const auto event = Interface::process().events().find(kEvent);
  if (event == Interface::process().events().end()) return error("the event {} is not offered", kEvent);
  return std::static_pointer_cast<Reporter>(event->second.source)
      ->set_threshold(static_cast<std::int64_t>(threshold));
}

void register_stall_watch() {
  Event stall = event<IOThreadStall>(kEvent, "an I/O thread has been inside one call for too long");
  stall.source = std::make_shared<Reporter>();
  Interface::process().add(std::move(stall));
  Interface::process().add(
      event<MainLoopStall>(kMainLoopEvent, "the main loop has not come round for too long"));
  Interface::process().add(
      command("iothread-report-stalls",
              "from how long a call on an I/O thread, or what holds the main loop up, is "
              "reported as IOTHREAD_STALL or MAIN_LOOP_STALL",
              iothread_report_stalls));
}

}  // namespace qomio
