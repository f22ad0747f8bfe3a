// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/stall_watch.h"

#include <glib.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/internal/main_loop_watch.h"
#include "qomio/iothread/internal/stall_log.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/interface.h"

namespace qomio {
namespace {

constexpr std::string_view kEvent = "IOTHREAD_STALL";
constexpr std::string_view kMainLoopEvent = "MAIN_LOOP_STALL";
constexpr std::uint64_t kLeastNs = 1'000'000;  // what a GLib timeout can tell apart

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
    auto log = std::make_unique<detail::StallLog>();
    auto main_watch = detail::MainLoopWatch::start(threshold_ns, interval_ms * kMillisecondNs, *log);
    if (!main_watch) return failure(main_watch);
    stop();
    log_ = std::move(log);
    main_watch_ = std::move(*main_watch);
    threshold_ns_ = threshold_ns;
    timeout_ = g_timeout_add(static_cast<guint>(interval_ms), look, this);
    return {};
  }

 private:
  static void warn(const std::optional<std::string>& line) {
    if (line) g_warning("%s", line->c_str());
  }

  static gboolean look(gpointer data) {
    auto& self = *static_cast<Reporter*>(data);
    const std::int64_t now = clock_now_ns();
    if (const auto stall = self.main_watch_->beat()) {
      warn(self.log_->ended(*stall));
      Interface::process().emit(
          kMainLoopEvent,
          MainLoopStall{.stalled_ns = static_cast<std::uint64_t>(stall->ns), .call = stall->call});
    }
    for (const IOThreadStall& stall : self.watch_.look(now, self.threshold_ns_)) {
      const detail::StallLog::Stall line{.who = "I/O thread '" + stall.id + "'",
                                         .what = "in one call",
                                         .ns = static_cast<std::int64_t>(stall.stalled_ns),
                                         .call = stall.call};
      warn(stall.ended ? self.log_->ended(line) : self.log_->began(now, line));
      Interface::process().emit(kEvent, stall);
    }
    warn(self.log_->counted(now));
    return G_SOURCE_CONTINUE;
  }

  void stop() {
    if (timeout_ != 0) g_source_remove(timeout_);
    timeout_ = 0;
    watch_ = {};
    main_watch_ = nullptr;
  }

  std::unique_ptr<detail::StallLog> log_;
  StallWatch watch_;
  std::unique_ptr<detail::MainLoopWatch> main_watch_;
  std::int64_t threshold_ns_ = 0;
  guint timeout_ = 0;
};

}  // namespace

std::optional<StalledCall::Stall> StalledCall::look(const RunningCall& call, std::int64_t now_ns,
                                                    std::int64_t threshold_ns) {
  const std::int64_t passed = now_ns - std::exchange(looked_ns_, now_ns);
  if (call.kind == RunningCall::Kind::none || call.number != call_.number) {
    const Stall ended{.call = call_, .ns = stalled_ns_, .ended = true};
    const bool was_told = std::exchange(told_, false);
    call_ = call;
    stalled_ns_ = 0;
    return was_told ? std::optional(ended) : std::nullopt;
  }
  // What comes a few milliseconds late has other reasons than a stop.
  const bool far_apart = passed > std::max<std::int64_t>(threshold_ns, 5'000'000);
  stalled_ns_ += far_apart ? threshold_ns / 2 : passed;
  if (told_ || stalled_ns_ < threshold_ns) return std::nullopt;
  told_ = true;
  return Stall{.call = call_, .ns = stalled_ns_};
}

std::vector<IOThreadStall> StallWatch::look(std::int64_t now_ns, std::int64_t threshold_ns) {
  std::vector<IOThreadStall> stalls;
  std::set<std::int64_t> alive;
  object_child_foreach(objects_root(), [&](Object& object) {
    const auto* iothread = object_cast<IOThread>(&object);
    if (!iothread || iothread->thread_id() == 0) return 0;
    alive.insert(iothread->thread_id());
    const auto found =
        calls_[iothread->thread_id()].look(iothread->context().running_call(), now_ns, threshold_ns);
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
