// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/qmp/g_source.h"

#include <atomic>
#include <memory>
#include <utility>

#include "qomio/qapi/internal/invariant.h"

namespace qomio {

namespace {

gboolean dispatch(GSource* /*source*/, GSourceFunc callback, gpointer data) { return callback(data); }

GSourceFuncs functions = {nullptr, nullptr, dispatch, nullptr, nullptr, nullptr};

// The function that the source calls. Another thread may have created it: GLib's lock orders the accesses,
// and the flag makes this order visible to ThreadSanitizer, which does not see that lock.
struct Callback {
  std::function<void()> function;
  std::atomic<bool> is_made = false;
};

gboolean call(gpointer data) {
  auto* const callback = static_cast<Callback*>(data);
  if (!callback->is_made.load(std::memory_order_acquire)) return G_SOURCE_CONTINUE;
  try {
    callback->function();
  } catch (...) {
    exception_left("function of an FdSource");
  }
  return G_SOURCE_CONTINUE;
}

void destroy(gpointer data) { delete static_cast<Callback*>(data); }

}  // namespace

FdSource::FdSource(GMainContext* context, std::function<void()> on_ready) : source_(nullptr) {
  // GLib keeps the callback alive while it runs, so the function may destroy this source.
  auto callback = std::make_unique<Callback>(std::move(on_ready));
  callback->is_made.store(true, std::memory_order_release);
  source_ = g_source_new(&functions, sizeof(GSource));
  g_source_set_callback(source_, call, callback.release(), destroy);
  g_source_attach(source_, context);
}

FdSource::~FdSource() {
  g_source_destroy(source_);
  g_source_unref(source_);
}

FdSource::Watch FdSource::watch(int fd, int condition) {
  Watch watch;
  watch.condition_ = condition;
  watch.tag_ = g_source_add_unix_fd(source_, fd, static_cast<GIOCondition>(condition | G_IO_HUP | G_IO_ERR));
  return watch;
}

void FdSource::change(Watch& watch, int condition) {
  // GLib wakes the loop for each modification, so skip those that change nothing.
  if (watch.condition_ == condition) return;
  watch.condition_ = condition;
  g_source_modify_unix_fd(source_, watch.tag_, static_cast<GIOCondition>(condition | G_IO_HUP | G_IO_ERR));
}

void FdSource::remove(Watch& watch) { g_source_remove_unix_fd(source_, std::exchange(watch.tag_, nullptr)); }

int FdSource::ready(const Watch& watch) const {
  return watch ? static_cast<int>(g_source_query_unix_fd(source_, watch.tag_)) : 0;
}

void FdSource::set_ready_time(std::int64_t monotonic_us) {
  if (g_source_get_ready_time(source_) != monotonic_us) g_source_set_ready_time(source_, monotonic_us);
}

}  // namespace qomio
