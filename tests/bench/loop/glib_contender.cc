// SPDX-License-Identifier: GPL-2.0-or-later
#include <glib-unix.h>

#include <deque>

#include "qomio/tests/bench/loop/contenders.h"

namespace qomio::bench {
namespace {

struct Bound {
  Call function;
  void* data;
};

// A source that has only a ready time.
GSourceFuncs timer_functions{
    .prepare = nullptr,
    .check = nullptr,
    .dispatch = [](GSource* source, GSourceFunc, gpointer data) -> gboolean {
      ::g_source_set_ready_time(source, -1);
      const auto& bound = *static_cast<Bound*>(data);
      bound.function(bound.data);
      return G_SOURCE_CONTINUE;
    },
    .finalize = nullptr,
    .closure_callback = nullptr,
    .closure_marshal = nullptr,
};

class GlibTimer final : public LoopTimer {
 public:
  GlibTimer(GMainContext* context, Call function, void* data)
      : bound_{function, data}, source_(::g_source_new(&timer_functions, sizeof(GSource))) {
    ::g_source_set_callback(source_, nullptr, &bound_, nullptr);
    ::g_source_attach(source_, context);
  }
  ~GlibTimer() override {
    ::g_source_destroy(source_);
    ::g_source_unref(source_);
  }
  void arm(std::int64_t now_ns, std::int64_t delay_ns) override {
    ::g_source_set_ready_time(source_, (now_ns + delay_ns) / 1000);
  }
  void cancel() override { ::g_source_set_ready_time(source_, -1); }

 private:
  Bound bound_;
  GSource* source_;
};

class GlibLoop final : public Loop {
 public:
  GlibLoop() {
    thread_.start([this] {
      ::g_main_context_push_thread_default(context_);
      ::g_main_loop_run(loop_);
      ::g_main_context_pop_thread_default(context_);
    });
  }
  ~GlibLoop() override {
    post([](void* data) { ::g_main_loop_quit(static_cast<GlibLoop*>(data)->loop_); }, this);
    thread_.join();
    ::g_main_loop_unref(loop_);
    ::g_main_context_unref(context_);
  }

  pid_t thread_id() const override { return thread_.id(); }
  void post(Call function, void* data) override {
    GSource* const source = ::g_idle_source_new();
    ::g_source_set_priority(source, G_PRIORITY_DEFAULT);
    attach(source, function, data, [](gpointer bound) -> gboolean {
      static_cast<Bound*>(bound)->function(static_cast<Bound*>(bound)->data);
      return G_SOURCE_REMOVE;
    });
  }
  void watch(int fd, Call function, void* data) override {
    const GUnixFDSourceFunc readable = [](gint, GIOCondition, gpointer bound) -> gboolean {
      static_cast<Bound*>(bound)->function(static_cast<Bound*>(bound)->data);
      return G_SOURCE_CONTINUE;
    };
    attach(::g_unix_fd_source_new(fd, G_IO_IN), function, data, G_SOURCE_FUNC(readable));
  }
  std::unique_ptr<LoopTimer> timer(Call function, void* data) override {
    return std::make_unique<GlibTimer>(context_, function, data);
  }

 private:
  void attach(GSource* source, Call function, void* data, GSourceFunc call) {
    ::g_source_set_callback(source, call, new Bound{function, data},
                            [](gpointer bound) { delete static_cast<Bound*>(bound); });
    ::g_source_attach(source, context_);
    ::g_source_unref(source);
  }

  GMainContext* context_ = ::g_main_context_new();
  GMainLoop* loop_ = ::g_main_loop_new(context_, FALSE);
  StartedThread thread_;
};

}  // namespace

Contender glib_contender() {
  // Each iteration checks every source, so many timers are very slow.
  return {.name = "GLib", .start = [] { return std::make_unique<GlibLoop>(); }, .most_timers = 10'000};
}

}  // namespace qomio::bench
