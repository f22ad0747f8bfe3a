// SPDX-License-Identifier: GPL-2.0-or-later
// A loop as a GSource: an iteration is split into prepare, check and dispatch, and GLib's poll replaces the
// sleep.
#include <glib.h>

#include <algorithm>
#include <new>
#include <vector>

#include "qomio/iothread/internal/loop.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {

namespace internal {

// Plain data, since GLib allocates it; a member that needs construction is behind a pointer.
struct Loop::Source {
  GSource base;
  Loop* loop;
  std::vector<gpointer>* tags;  // of the descriptors that GLib polls
  std::uint64_t generation;     // of the monitor's set from which the tags were made
  bool asleep;                  // between prepare and check

  static Source& of(GSource* source) { return *reinterpret_cast<Source*>(source); }

  static gboolean prepare(GSource* source, gint* timeout_ms) { return of(source).loop_prepare(timeout_ms); }
  static gboolean check(GSource* source) { return of(source).loop_check(); }
  static gboolean dispatch(GSource* source, GSourceFunc, gpointer) { return of(source).loop_dispatch(); }
  static void finalize(GSource* source) { delete of(source).tags; }

  gboolean loop_prepare(gint* timeout_ms);
  gboolean loop_check();
  gboolean loop_dispatch();
  void update_descriptors();
  bool make_room(std::size_t count);
  bool descriptor_ready();
};

GSource* Loop::make_source() {
  static GSourceFuncs functions = {&Source::prepare,  &Source::check, &Source::dispatch,
                                   &Source::finalize, nullptr,        nullptr};
  GSource* const source = ::g_source_new(&functions, sizeof(Source));
  source_ = &Source::of(source);
  source_->loop = this;
  source_->tags = new std::vector<gpointer>;
  source_->generation = ~std::uint64_t{0};
  source_->asleep = false;
  ::g_source_set_static_name(source, "aio-context");
  ::g_source_set_can_recurse(source, TRUE);
  source_->update_descriptors();  // allocates the memory now
  return source;
}

void Loop::destroy_source() {
  if (!source_) return;
  ::g_source_destroy(&source_->base);
  ::g_source_unref(&source_->base);
  source_ = nullptr;
}

void Loop::Source::update_descriptors() {
  FdMonitor& monitor = loop->handlers_.monitor();
  int descriptor = monitor.descriptor();
  if (generation == monitor.generation()) return;
  if (descriptor < 0 && !make_room(monitor.size())) {
    (void)monitor.nothing_new();  // switches to epoll, which needs only one descriptor
    descriptor = monitor.descriptor();
  }
  generation = monitor.generation();
  for (const gpointer tag : *tags) ::g_source_remove_unix_fd(&base, tag);
  tags->clear();
  if (descriptor >= 0) {
    tags->push_back(::g_source_add_unix_fd(&base, descriptor, G_IO_IN));
    return;
  }
  for (const pollfd& interest : monitor.interests()) {
    tags->push_back(::g_source_add_unix_fd(&base, interest.fd, static_cast<GIOCondition>(interest.events)));
  }
}

// Returns false if there is no memory.
bool Loop::Source::make_room(std::size_t count) {
  try {
    tags->reserve(count);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

bool Loop::Source::descriptor_ready() {
  return std::ranges::any_of(*tags, [&](gpointer tag) { return ::g_source_query_unix_fd(&base, tag) != 0; });
}

gboolean Loop::Source::loop_prepare(gint* timeout_ms) {
  invariant(loop->in_home_thread(), "the GMainContext of a loop is run by the loop's home thread");
  // GLib may call this again without loop_check() in between, if sources of higher priority were ready; their
  // time then counts as sleep.
  loop->apply_params();
  const bool hit = loop->end_poll_mode();
  update_descriptors();
  const std::int64_t now = clock_now_ns();
  if (std::exchange(asleep, false)) loop->count_sleep(now);
  loop->count_busy(now, loop->depth_ == 0);
  loop->waker_.set_looking(true);
  const std::int64_t timeout = loop->timeout_from(now);
  if (hit || timeout == 0 || !loop->announce_sleep()) {
    loop->counters_.times.busy.start(now);
    *timeout_ms = 0;
    return TRUE;
  }
  asleep = true;
  loop->counters_.times.blocked.start(now);
  constexpr std::int64_t kMillisecondNs = 1'000'000;
  *timeout_ms = timeout < 0 ? -1
                            : static_cast<gint>(std::min<std::int64_t>(
                                  (timeout + kMillisecondNs - 1) / kMillisecondNs, G_MAXINT));
  return FALSE;
}

gboolean Loop::Source::loop_check() {
  loop->waker_.withdraw_sleep();
  loop->waker_.set_looking(false);
  const std::int64_t now = clock_now_ns();
  if (std::exchange(asleep, false)) loop->count_sleep(now);
  loop->counters_.times.busy.start(now);
  // Idle bottom halves run whenever the sleep ends, for whatever reason.
  return descriptor_ready() || loop->notified() || !loop->posts_.empty() || loop->timeout_from(now) == 0;
}

gboolean Loop::Source::loop_dispatch() {
  const Ref<AioContext> alive(*loop);
  loop->waker_.withdraw_sleep();
  loop->waker_.set_looking(false);
  // Counts as an iteration, so that removed handlers are kept until it ends.
  loop->iterate_in_source(descriptor_ready());
  return G_SOURCE_CONTINUE;
}

}  // namespace internal

GSource* AioContext::g_source() {
  internal::Loop& loop = internal::Loop::of(*this);
  return loop.source_ ? &loop.source_->base : loop.make_source();
}

}  // namespace qomio
