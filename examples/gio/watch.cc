// SPDX-License-Identifier: GPL-2.0-or-later
// GLib's sources in an I/O thread: GIO watches a directory there, and a GSource of the program's own counts
// seconds. The main thread stays free for control.
//
//     watch DIRECTORY
#include <gio/gio.h>
#include <qomio/iothread/iothread.h>
#include <qomio/iothread/iothread_commands.h>
#include <qomio/iothread/main_loop.h>
#include <qomio/qapi/standard_streams.h>

#include <cstdio>

using namespace qomio;

static void changed(GFileMonitor*, GFile* file, GFile*, GFileMonitorEvent event, gpointer) {
  if (event != G_FILE_MONITOR_EVENT_CREATED && event != G_FILE_MONITOR_EVENT_DELETED) return;
  char* const name = g_file_get_basename(file);
  std::printf("%s %s in thread %s\n", name, event == G_FILE_MONITOR_EVENT_CREATED ? "created" : "deleted",
              IOThread::current()->id().c_str());
  std::fflush(stdout);
  g_free(name);
}

// What lives in the thread; created and destroyed there.
struct Watch {
  GFileMonitor* monitor = nullptr;
  GSource* seconds = nullptr;
  int passed = 0;

  // Errors: GIO's.
  Result<void> start(GMainContext* context, const char* directory) {
    g_main_context_push_thread_default(context);  // GIO attaches its sources to it
    GFile* const file = g_file_new_for_path(directory);
    GError* failed = nullptr;
    monitor = g_file_monitor_directory(file, G_FILE_MONITOR_NONE, nullptr, &failed);
    g_object_unref(file);
    g_main_context_pop_thread_default(context);
    if (!monitor) {
      const Error told(failed->message);
      g_error_free(failed);
      return std::unexpected(told);
    }
    g_signal_connect(monitor, "changed", G_CALLBACK(changed), nullptr);
    seconds = g_timeout_source_new_seconds(1);
    g_source_set_callback(
        seconds,
        [](gpointer self) -> gboolean { return ++static_cast<Watch*>(self)->passed, G_SOURCE_CONTINUE; },
        this, nullptr);
    g_source_attach(seconds, context);
    return {};
  }
  void stop() {
    if (seconds) {
      g_source_destroy(seconds);
      g_source_unref(seconds);
    }
    if (monitor) g_object_unref(monitor);
  }
};

static Result<int> run(const char* directory) {
  auto main_loop = MainLoop::create();
  if (!main_loop) return failure(main_loop);
  register_iothread_types();
  auto iothread = iothread_create("watcher");
  if (!iothread) return failure(iothread);
  auto context = (*iothread)->g_main_context();  // the thread runs this context from now on
  if (!context) return failure(context);

  Watch watch;
  Result<void> started;
  (*iothread)->context().run_in([&] { started = watch.start(*context, directory); });
  if (started) {
    std::puts("watching");
    std::fflush(stdout);
    main_loop->run();  // until SIGINT, SIGTERM or SIGHUP
  }
  (*iothread)->context().run_in([&] { watch.stop(); });
  (*iothread)->release_g_main_context();
  iothread_destroy(**iothread);
  if (!started) return failure(started);
  std::printf("%d seconds\n", watch.passed);
  return 0;
}

int main(int argc, char** argv) {
  if (!prepare_standard_streams()) return 1;  // before anything else is opened
  if (argc != 2) return std::fprintf(stderr, "usage: watch DIRECTORY\n"), 2;
  const Result<int> status = run(argv[1]);
  if (!status) std::fprintf(stderr, "%s\n", status.error().message().c_str());
  return status ? *status : 1;
}
