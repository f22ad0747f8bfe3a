// SPDX-License-Identifier: GPL-2.0-or-later
// Descriptors that become readable: one at a time, and many of thousands.
#include <fmt/core.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <iterator>
#include <semaphore>

#include "qomio/tests/bench/loop/bench.h"
#include "qomio/tests/bench/loop/contenders.h"
#include "qomio/tests/bench/loop/threads.h"

namespace qomio::bench {
namespace {

struct Rules {
  bool sockets = false;  // otherwise eventfds
  bool busy_handlers =
      false;                // loops may busy-poll with watch_busy(); otherwise with what watch() gives them
  std::int64_t gap_ns = 0;  // between an answer and the next message
};

// Two loops that answer each other's messages, so that each has to wait for the other.
class PingPong {
 public:
  PingPong(const Contender& contender, const Rules& rules, int count)
      : rules_(rules), here_{.loop = contender.start()}, there_{.loop = contender.start()}, left_(count) {
    if (rules.sockets) {
      std::array<int, 2> pair{};
      (void)::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data());
      here_.in = here_.out = pair[0];
      there_.in = there_.out = pair[1];
    } else {
      here_.out = there_.in = ::eventfd(0, EFD_NONBLOCK);
      there_.out = here_.in = ::eventfd(0, EFD_NONBLOCK);
    }
    samples_.reserve(static_cast<std::size_t>(count));
    run_in(*there_.loop, [this] { watch<answer>(there_); });
    run_in(*here_.loop, [this] { watch<returned>(here_); });
    pin(*here_.loop, 0);
    pin(*there_.loop, 1);
  }
  ~PingPong() {
    here_.loop = nullptr;
    there_.loop = nullptr;
    ::close(here_.in);
    ::close(there_.in);
  }
  PingPong(const PingPong&) = delete;
  PingPong& operator=(const PingPong&) = delete;

  // Returns the time until each answer.
  std::vector<std::int64_t>& play() {
    here_.loop->post([](void* data) { static_cast<PingPong*>(data)->serve(); }, this);
    over_.acquire();
    return samples_;
  }

 private:
  struct Side {
    std::unique_ptr<Loop> loop;
    int in = -1, out = -1;

    bool read() const {
      std::uint64_t message = 0;
      return ::read(in, &message, sizeof message) == sizeof message;
    }
    void write() const {
      const std::uint64_t message = 1;
      (void)!::write(out, &message, sizeof message);
    }
  };

  template <bool (*read)(void* data)>
  void watch(const Side& side) {
    if (rules_.busy_handlers) {
      side.loop->watch_busy(side.in, read, this);
    } else {
      side.loop->watch(side.in, [](void* data) { (void)read(data); }, this);
    }
  }
  void serve() {
    if (rules_.gap_ns > 0) wait_until(now_ns() + rules_.gap_ns, false);
    sent_ns_ = now_ns();
    here_.write();
  }
  static bool answer(void* data) {
    const auto& there = static_cast<PingPong*>(data)->there_;
    if (!there.read()) return false;
    there.write();
    return true;
  }
  static bool returned(void* data) {
    auto& self = *static_cast<PingPong*>(data);
    if (!self.here_.read()) return false;
    self.samples_.push_back(now_ns() - self.sent_ns_);
    if (--self.left_ > 0) {
      self.serve();
    } else {
      self.over_.release();
    }
    return true;
  }

  const Rules rules_;
  Side here_, there_;
  int left_;
  std::vector<std::int64_t> samples_;
  std::int64_t sent_ns_ = 0;
  std::binary_semaphore over_{0};
};

std::vector<double> ping_descriptor(const Contender& contender, const Rules& rules, int count) {
  PingPong game(contender, rules, count);
  std::vector<std::int64_t>& samples = game.play();
  return {percentile(samples, 0.5), percentile(samples, 0.99)};
}

// Thousands of descriptors in one loop, which counts its reads.
class FanIn {
 public:
  FanIn(const Contender& contender, int count) : inputs_(static_cast<std::size_t>(count)) {
    for (Input& input : inputs_) {
      input.all = this;
      input.fd = ::eventfd(0, EFD_NONBLOCK);
    }
    loop_ = contender.start();
    run_in(*loop_, [this] {
      for (Input& input : inputs_) {
        loop_->watch(
            input.fd,
            [](void* data) {
              const auto& readable = *static_cast<Input*>(data);
              eventfd_t value = 0;
              if (::eventfd_read(readable.fd, &value) == 0) readable.all->one_read();
            },
            &input);
      }
    });
    pin_self(0);
    pin(*loop_, 1);
  }
  ~FanIn() {
    loop_ = nullptr;
    unpin_self();
    for (const Input& input : inputs_) ::close(input.fd);
  }
  FanIn(const FanIn&) = delete;
  FanIn& operator=(const FanIn&) = delete;

  // Makes some descriptors ready at once, in the loop's thread, so that no other thread's time counts.
  // Returns the ns per descriptor.
  double burst(std::size_t ready) {
    std::int64_t start = 0;
    left_ = static_cast<int>(ready);
    run_in(*loop_, [&] {
      const std::size_t step = inputs_.size() / ready;
      for (std::size_t i = 0; i < ready; ++i) (void)::eventfd_write(inputs_[i * step].fd, 1);
      start = now_ns();
    });
    over_.acquire();
    return static_cast<double>(end_ns_ - start) / static_cast<double>(ready);
  }

  // Makes one descriptor ready, from the calling thread, and returns the ns until it has been read.
  std::int64_t one(std::size_t which) {
    wait_until(now_ns() + 20'000, false);
    left_.store(1, std::memory_order_relaxed);
    const std::int64_t start = now_ns();
    (void)::eventfd_write(inputs_[which % inputs_.size()].fd, 1);
    while (left_.load(std::memory_order_acquire) != 0) pause_processor();
    const std::int64_t end = now_ns();
    over_.acquire();
    return end - start;
  }

 private:
  struct Input {
    FanIn* all;
    int fd;
  };

  void one_read() {
    const int left = left_.load(std::memory_order_relaxed) - 1;
    left_.store(left, std::memory_order_release);
    if (left > 0) return;
    end_ns_ = now_ns();
    over_.release();
  }

  std::vector<Input> inputs_;
  std::atomic<int> left_ = 0;
  std::int64_t end_ns_ = 0;
  std::binary_semaphore over_{0};
  std::unique_ptr<Loop> loop_;
};

bool enough_descriptors(rlim_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= count) return true;
  limit.rlim_cur = limit.rlim_max;
  return limit.rlim_max >= count && ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

}  // namespace

// Handlers as a first user writes them, beside a loop that never blocks: the limit.
void bench_plain_handlers(const Bench& bench) {
  std::vector<Contender> contenders{spinning_epoll_contender()};
  std::ranges::copy_if(bench.contenders, std::back_inserter(contenders), &Contender::has_descriptors);
  const std::string& limit = contenders.front().name;
  for (const bool sockets : {false, true}) {
    for (const std::int64_t gap_ns : {0, 20'000}) {
      const std::string what =
          fmt::format("{} ping-pong with plain handlers, {}", sockets ? "socketpair" : "eventfd",
                      gap_ns == 0 ? "back to back" : "20 µs apart");
      Table table(what, {"p50, ns", "p99, ns"}, limit);
      for (int round = 0; round < bench.effort.rounds(); ++round) {
        for (const Contender& contender : contenders) {
          table.add(contender.name, ping_descriptor(contender, {.sockets = sockets, .gap_ns = gap_ns},
                                                    bench.effort(4000, 100)));
        }
      }
      table.print();
      bench.goals.at_most(
          what + ": p50 to spinning", table.ratio("qomio"), 1.05,
          "the loop reads its clock and asks for other work between two looks at the descriptors");
    }
  }
}

void bench_descriptors(const Bench& bench) {
  bench_plain_handlers(bench);
  const std::vector<std::string> columns{"p50, ns", "p99, ns"};
  Table eventfds("eventfd ping-pong of two loops", columns, kReference);
  Table sockets("socketpair ping-pong of two loops", columns, kReference);
  const int count = bench.effort(10'000, 500);
  const int ready = count / 10;
  Table many(fmt::format("Fan-in of {} descriptors, {} ready", count, ready), {"ns per event"}, kReference);
  Table single(fmt::format("Fan-in of {} descriptors, 1 ready, 20 µs apart", count), columns, kReference);
  const bool fan_in = enough_descriptors(static_cast<rlim_t>(count) + 100);
  if (!fan_in) fmt::print("\nFan-in is left out: a process may not have {} descriptors here.\n", count);

  for (int round = 0; round < bench.effort.rounds(); ++round) {
    for (const Contender& contender : bench.contenders) {
      if (!contender.has_descriptors) continue;
      eventfds.add(contender.name,
                   ping_descriptor(contender, {.busy_handlers = true}, bench.effort(4000, 100)));
    }
    for (const Contender& contender : bench.contenders) {
      if (!contender.has_descriptors) continue;
      sockets.add(contender.name, ping_descriptor(contender, {.sockets = true, .busy_handlers = true},
                                                  bench.effort(4000, 100)));
    }
    for (const Contender& contender : bench.contenders) {
      if (!contender.has_descriptors || !fan_in) continue;
      FanIn inputs(contender, count);
      double total = 0;
      const int bursts = bench.effort(10, 2);
      for (int i = 0; i < bursts; ++i) total += inputs.burst(static_cast<std::size_t>(ready));
      many.add(contender.name, {total / bursts});
      std::vector<std::int64_t> samples(static_cast<std::size_t>(bench.effort(150, 20)));
      // 7919 and the count have no common divisor, so no descriptor is used twice.
      for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = inputs.one(7919 * i);
      single.add(contender.name, {percentile(samples, 0.5), percentile(samples, 0.99)});
    }
  }
  eventfds.print();
  sockets.print();
  bench.goals.at_most("eventfd ping-pong: p50 to epoll's", eventfds.ratio("qomio"), 0.04,
                      "each try to read, and each write, is a system call");
  bench.goals.at_most("socketpair ping-pong: p50 to epoll's", sockets.ratio("qomio"), 0.13,
                      "each try to read, and each write, is a system call");
  if (!fan_in) return;
  many.print();
  single.print();
  bench.goals.at_least("fan-in, a tenth ready: × faster than epoll", 1 / many.ratio("qomio"), 1.0,
                       "each call is counted, and recorded so that a stall can be named");
  bench.goals.at_least("fan-in, 1 ready: × faster than epoll", 1 / single.ratio("qomio"), 3.0,
                       "each look at descriptors, and each read and write, is a system call");
}

}  // namespace qomio::bench
