// SPDX-License-Identifier: GPL-2.0-or-later
// qomio: an IOThread with its default properties.
#include <fmt/core.h>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/object/tree.h"
#include "qomio/tests/bench/loop/contenders.h"

namespace qomio::bench {
namespace {

class QomioTimer final : public LoopTimer {
 public:
  QomioTimer(AioContext& loop, Call function, void* data)
      : timer_(loop.timer([function, data] { function(data); })) {}
  void arm(std::int64_t now_ns, std::int64_t delay_ns) override { timer_.arm_at(now_ns + delay_ns); }
  void cancel() override { timer_.cancel(); }

 private:
  Timer timer_;
};

class QomioLoop final : public Loop {
 public:
  QomioLoop() {
    static int number = 0;
    iothread_ = iothread_create(fmt::format("bench{}", number++)).value();
  }
  ~QomioLoop() override { iothread_destroy(*iothread_); }

  pid_t thread_id() const override { return iothread_->thread_id(); }
  void post(Call function, void* data) override {
    iothread_->context().schedule_oneshot([function, data] { function(data); });
  }
  void watch(int fd, Call function, void* data) override {
    iothread_->context().set_fd_handler(fd, {.read = [function, data] { function(data); }});
  }
  void watch_busy(int fd, bool (*read)(void* data), void* data) override {
    // The poll callback reads at once, so poll_ready has nothing left to do.
    iothread_->context().set_fd_handler(fd, {.read = [read, data] { (void)read(data); },
                                             .poll = [read, data] { return read(data); },
                                             .poll_ready = [] {}});
  }
  std::unique_ptr<LoopTimer> timer(Call function, void* data) override {
    return std::make_unique<QomioTimer>(iothread_->context(), function, data);
  }

 private:
  Ref<IOThread> iothread_;
};

}  // namespace

Contender qomio_contender() {
  register_iothread_types();
  return {.name = "qomio", .start = [] { return std::make_unique<QomioLoop>(); }};
}

}  // namespace qomio::bench
