// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/stall_watch.h"

#include <glib.h>

#include <algorithm>
#include <memory>
#include <set>

#include "qomio/iothread/aio_context.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/interface.h"

namespace qomio {
namespace {

constexpr std::string_view kEvent = "IOTHREAD_STALL";
constexpr std::uint64_t kLeastNs = 1'000'000;  // what a GLib timeout can tell apart

// Looks from a timeout of the main context; the source of the event, so that it lives as long as that is
// offered.
class Reporter {
 public:
  Reporter() = default;
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;
  ~Reporter() { stop(); }

  void set_threshold(std::int64_t threshold_ns) {
    stop();
    watch_ = {};
    threshold_ns_ = threshold_ns;
    if (threshold_ns == 0) return;
    const std::int64_t interval_ms = std::clamp<std::int64_t>(threshold_ns / 2'000'000, 1, 3'600'000);
    timeout_ = g_timeout_add(static_cast<guint>(interval_ms), look, this);
  }

 private:
  static gboolean look(gpointer data) {
    auto& self = *static_cast<Reporter*>(data);
    for (const IOThreadStall& stall : self.watch_.look(clock_now_ns(), self.threshold_ns_)) {
      g_warning("I/O thread '%s' has been in one call for %.3f s: %s", stall.id.c_str(),
                static_cast<double>(stall.stalled_ns) * 1e-9, stall.call.c_str());
      Interface::process().emit(kEvent, stall);
    }
    return G_SOURCE_CONTINUE;
  }

  void stop() {
    if (timeout_ != 0) g_source_remove(timeout_);
    timeout_ = 0;
  }

  StallWatch watch_;
  std::int64_t threshold_ns_ = 0;
  guint timeout_ = 0;
};

}  // namespace

std::vector<IOThreadStall> StallWatch::look(std::int64_t now_ns, std::int64_t threshold_ns) {
  std::vector<IOThreadStall> stalls;
  std::set<std::int64_t> alive;
  object_child_foreach(objects_root(), [&](Object& object) {
    const auto* iothread = object_cast<IOThread>(&object);
    if (!iothread || iothread->thread_id() == 0) return 0;
    alive.insert(iothread->thread_id());
    const RunningCall call = iothread->context().running_call();
    Seen& seen = seen_[iothread->thread_id()];
    if (call.kind == RunningCall::Kind::none || seen.call != call.number) {
      seen = {.call = call.number, .since_ns = now_ns};
    } else if (!seen.reported && now_ns - seen.since_ns >= threshold_ns) {
      seen.reported = true;
      stalls.push_back({.id = iothread->id(),
                        .thread_id = iothread->thread_id(),
                        .stalled_ns = static_cast<std::uint64_t>(now_ns - seen.since_ns),
                        .call = call.describe()});
    }
    return 0;
  });
  std::erase_if(seen_, [&](const auto& entry) { return !alive.contains(entry.first); });
  return stalls;
}

Result<void> iothread_report_stalls(const IOThreadReportStallsArguments& arguments) {
  const std::uint64_t threshold = arguments.threshold_ns;
  if (threshold != 0 && (threshold < kLeastNs || threshold > INT64_MAX)) {
    return error("threshold-ns value must be 0 or in range [{}, {}]", kLeastNs, INT64_MAX);
  }
  const auto event = Interface::process().events().find(kEvent);
  if (event == Interface::process().events().end()) return error("the event {} is not offered", kEvent);
  std::static_pointer_cast<Reporter>(event->second.source)
      ->set_threshold(static_cast<std::int64_t>(threshold));
  return {};
}

void register_stall_watch() {
  Event stall = event<IOThreadStall>(kEvent, "an I/O thread has been inside one call for too long");
  stall.source = std::make_shared<Reporter>();
  Interface::process().add(std::move(stall));
  Interface::process().add(command("iothread-report-stalls",
                                   "from how long a call on an I/O thread is reported as IOTHREAD_STALL",
                                   iothread_report_stalls));
}

}  // namespace qomio
