// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/stall_watch.h"

#include <glib.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/internal/main_loop_watch.h"
#include "qomio/iothread/internal/stall_log.h"
#include "qomio/iothread/iothread.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/command_registry.h"

namespace qomio {
namespace {

constexpr std::string_view kEvent = "IOTHREAD_STALL";
constexpr std::string_view kMainLoopEvent = "MAIN_LOOP_STALL";
constexpr std::uint64_t kLeastNs = 1'000'000;  // the resolution of a GLib timeout

}  // namespace

std::optional<StalledCall::Stall> StalledCall::check(const RunningCall& call, std::int64_t now_ns,
                                                     std::int64_t threshold_ns) {
  const std::int64_t passed = now_ns - std::exchange(checked_ns_, now_ns);
  if (call.kind == RunningCall::Kind::none || call.number != call_.number) {
    const Stall ended{.call = call_, .ns = stalled_ns_, .ended = true};
    const bool was_reported = std::exchange(reported_, false);
    call_ = call;
    stalled_ns_ = 0;
    return was_reported ? std::optional(ended) : std::nullopt;
  }
  // A delay of a few milliseconds does not mean that the process was stopped.
  const bool far_apart = passed > std::max<std::int64_t>(threshold_ns, 5'000'000);
  stalled_ns_ += far_apart ? threshold_ns / 2 : passed;
  if (reported_ || stalled_ns_ < threshold_ns) return std::nullopt;
  reported_ = true;
  return Stall{.call = call_, .ns = stalled_ns_};
}

std::vector<IOThreadStall> StallWatch::check(std::int64_t now_ns, std::int64_t threshold_ns) {
  std::vector<IOThreadStall> stalls;
  std::set<std::int64_t> alive;
  object_child_foreach(objects_root(), [&](Object& object) {
    const auto* iothread = object_cast<IOThread>(&object);
    if (!iothread || iothread->thread_id() == 0) return 0;
    alive.insert(iothread->thread_id());
    const auto found =
        calls_[iothread->thread_id()].check(iothread->context().running_call(), now_ns, threshold_ns);
    if (found) {
      stalls.push_back({.id = iothread->id(),
                        .thread_id = iothread->thread_id(),
                        .stalled_ns = static_cast<std::uint64_t>(found->ns),
                        .call = found->call.describe(),
                        .ended = found->ended});
    }
    return 0;
  });
  std::erase_if(calls_, [&](const auto& entry) { return !alive.contains(entry.first); });
  return stalls;
}

// Checks from a timeout of the main context.
class StallReporter::Watching {
 public:
  // Errors: no thread is available.
  static Result<std::shared_ptr<Watching>> start(StallReporter& reporter, std::int64_t threshold_ns) {
    constexpr std::int64_t kMillisecondNs = 1'000'000;
    const std::int64_t interval_ms =
        std::clamp<std::int64_t>(threshold_ns / 2 / kMillisecondNs, 1, 3'600'000);
    std::shared_ptr<Watching> watching(new Watching(reporter, threshold_ns));
    auto main_watch = internal::MainLoopWatch::start(threshold_ns, interval_ms * kMillisecondNs,
                                                     watching->log_, reporter.commands_);
    if (!main_watch) return failure(main_watch);
    watching->main_watch_ = std::move(*main_watch);
    watching->timeout_ = g_timeout_add(static_cast<guint>(interval_ms), check, watching.get());
    return watching;
  }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;
  ~Watching() {
    if (timeout_ != 0) g_source_remove(timeout_);
  }

 private:
  Watching(StallReporter& reporter, std::int64_t threshold_ns)
      : reporter_(reporter), threshold_ns_(threshold_ns) {}

  static void warn(const std::optional<std::string>& line) {
    if (line) g_warning("%s", line->c_str());
  }

  static gboolean check(gpointer data) { return static_cast<Watching*>(data)->check(); }
  gboolean check() {
    CommandRegistry& commands = reporter_.commands_;
    const std::shared_ptr<Watching> self = reporter_.watching_;  // a listener may end the reports
    if (main_watch_->has_ended()) {
      timeout_ = 0;
      reporter_.watching_ = nullptr;
      return G_SOURCE_REMOVE;
    }
    const std::int64_t now = clock_now_ns();
    if (const auto stall = main_watch_->beat()) {
      warn(log_.ended(*stall));
      commands.emit(kMainLoopEvent,
                    MainLoopStall{.stalled_ns = static_cast<std::uint64_t>(stall->ns), .call = stall->call});
    }
    for (const IOThreadStall& stall : watch_.check(now, threshold_ns_)) {
      const internal::StallLog::Stall line{.who = "I/O thread '" + stall.id + "'",
                                           .what = "in one call",
                                           .ns = static_cast<std::int64_t>(stall.stalled_ns),
                                           .call = stall.call};
      warn(stall.ended ? log_.ended(line) : log_.began(now, line));
      commands.emit(kEvent, stall);
    }
    warn(log_.counted(now));
    return G_SOURCE_CONTINUE;
  }

  StallReporter& reporter_;
  const std::int64_t threshold_ns_;
  internal::StallLog log_;
  StallWatch watch_;
  std::unique_ptr<internal::MainLoopWatch> main_watch_;
  guint timeout_ = 0;
};

StallReporter::StallReporter(CommandRegistry& commands) : commands_(commands) {}

StallReporter::~StallReporter() = default;

Result<void> StallReporter::report(const IOThreadReportStallsArguments& arguments) {
  const std::uint64_t threshold = arguments.threshold_ns;
  if (threshold == 0) {
    watching_ = nullptr;
    return {};
  }
  if (threshold < kLeastNs || threshold > INT64_MAX) {
    return error("threshold-ns value must be 0 or in range [{}, {}]", kLeastNs, INT64_MAX);
  }
  auto started = Watching::start(*this, static_cast<std::int64_t>(threshold));
  if (!started) return failure(started);
  watching_ = std::move(*started);
  return {};
}

}  // namespace qomio
