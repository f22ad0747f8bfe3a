// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/main_loop_watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <glib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <string_view>
#include <utility>

#include "qomio/iothread/internal/start_thread.h"
#include "qomio/qapi/file_descriptor.h"

namespace qomio::internal {

void HeldUpTime::restart(std::int64_t now_ns, std::int64_t cpu_ns) {
  last_observed_ns_ = now_ns;
  last_cpu_ns_ = cpu_ns;
  total_ns_ = 0;
}

void HeldUpTime::observe(std::int64_t now_ns, ThreadState state, std::int64_t cpu_ns) {
  const std::int64_t passed = std::min(now_ns - std::exchange(last_observed_ns_, now_ns), 2 * interval_ns_);
  const std::int64_t used = std::min(cpu_ns - std::exchange(last_cpu_ns_, cpu_ns), passed);
  if (state == ThreadState::sleeping) total_ns_ += passed;
  if (state == ThreadState::runnable) total_ns_ += used;
}

Result<std::unique_ptr<MainLoopWatch>> MainLoopWatch::start(std::int64_t threshold_ns,
                                                            std::int64_t interval_ns, StallLog& log,
                                                            const CommandRegistry& commands) {
  std::unique_ptr<MainLoopWatch> watch(new MainLoopWatch(threshold_ns, interval_ns, log, commands));
  auto thread = start_thread([&self = *watch] { self.run(); });
  if (!thread) return failure(thread);
  watch->thread_ = std::move(*thread);
  return watch;
}

MainLoopWatch::MainLoopWatch(std::int64_t threshold_ns, std::int64_t interval_ns, StallLog& log,
                             const CommandRegistry& commands)
    : threshold_ns_(threshold_ns),
      interval_ns_(interval_ns),
      log_(log),
      commands_(commands),
      main_stat_(fmt::format("/proc/self/task/{}/stat", gettid())),
      beat_ns_(clock_now_ns()),
      held_up_(interval_ns) {
  if (AioContext* const loop = AioContext::current()) loop_ = Ref(*loop);
  (void)pthread_getcpuclockid(pthread_self(), &main_clock_);
}

MainLoopWatch::~MainLoopWatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  end_.notify_one();
  if (thread_.joinable()) thread_.join();
}

StallLog::Stall MainLoopWatch::stall_in(std::string call) const {
  return {.who = "the main loop", .what = "held up", .ns = held_up_.total_ns(), .call = std::move(call)};
}

std::optional<StallLog::Stall> MainLoopWatch::beat() {
  const std::int64_t now = clock_now_ns();
  const std::lock_guard lock(mutex_);
  beat_ns_ = now;
  checks_ = 0;
  if (found_in_.empty()) return std::nullopt;
  held_up_.observe(now, HeldUpTime::ThreadState::runnable, main_cpu_ns());
  return stall_in(std::exchange(found_in_, {}));
}

// Runs in the watching thread.
void MainLoopWatch::run() {
  pthread_setname_np(pthread_self(), "stall watch");
  while (wait_for_next_check() && !has_ended()) check();
}

bool MainLoopWatch::wait_for_next_check() {
  std::unique_lock lock(mutex_);
  return !end_.wait_for(lock, std::chrono::nanoseconds(interval_ns_), [this] { return ending_; });
}

// Reads files and writes the log without the lock, since both may be slow and the main loop takes the lock.
void MainLoopWatch::check() {
  std::int64_t beat_ns = 0;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t now = clock_now_ns();
    if (now < beat_ns_ + interval_ns_) return held_up_.restart(now, main_cpu_ns());
    beat_ns = beat_ns_;
  }
  if (const auto line = still_late(beat_ns, main_state())) g_warning("%s", line->c_str());
}

std::optional<std::string> MainLoopWatch::still_late(std::int64_t beat_ns, HeldUpTime::ThreadState state) {
  const std::lock_guard lock(mutex_);
  if (beat_ns_ != beat_ns) return std::nullopt;
  const std::int64_t now = clock_now_ns();
  held_up_.observe(now, state, main_cpu_ns());
  // Several looks, so that a late beat has time to arrive.
  constexpr int kChecks = 3;
  if (++checks_ < kChecks || held_up_.total_ns() < threshold_ns_ || !found_in_.empty()) return std::nullopt;
  found_in_ = main_call();
  return log_.began(now, stall_in(found_in_));
}

std::int64_t MainLoopWatch::main_cpu_ns() const {
  timespec used{};
  return clock_gettime(main_clock_, &used) == 0 ? to_ns(used) : 0;
}

// A state that cannot be read counts as sleeping, for which all time counts as held up.
HeldUpTime::ThreadState MainLoopWatch::main_state() const {
  std::array<char, 512> text{};
  const FileDescriptor file(open(main_stat_.c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t size = file ? pread(file.get(), text.data(), text.size(), 0) : 0;
  const std::string_view line(text.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  // "4711 (any (name)) S ..."
  const std::size_t name_end = line.rfind(") ");
  if (name_end == std::string_view::npos || name_end + 2 >= line.size())
    return HeldUpTime::ThreadState::sleeping;
  switch (line[name_end + 2]) {
    case 'R':
      return HeldUpTime::ThreadState::runnable;
    case 'T':
    case 't':
      return HeldUpTime::ThreadState::stopped;
    default:
      return HeldUpTime::ThreadState::sleeping;
  }
}

std::string MainLoopWatch::main_call() const {
  const RunningCall call = loop_ ? loop_->running_call() : RunningCall{};
  const char* const served = commands_.running();
  // A command runs inside a call of the loop when the server is one of the loop's descriptors.
  if (served) return served;
  if (call.kind != RunningCall::Kind::none) return call.describe();
  return "unknown: a source of GLib";
}

}  // namespace qomio::internal
