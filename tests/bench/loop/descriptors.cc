// SPDX-License-Identifier: GPL-2.0-or-later
// Descriptors that become readable: one at a time, and many of very many.
#include <fmt/core.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <semaphore>

#include "qomio/tests/bench/loop/bench.h"
#include "qomio/tests/bench/loop/threads.h"

namespace qomio::bench {
namespace {

// The loop answers each message that it reads.
class Pong {
 public:
  Pong(const Contender& contender, bool sockets) {
    if (sockets) {
      std::array<int, 2> pair{};
      (void)::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data());
      to_ = from_ = pair[0];
      its_in_ = its_out_ = pair[1];
    } else {
      to_ = its_in_ = ::eventfd(0, EFD_NONBLOCK);
      from_ = its_out_ = ::eventfd(0, EFD_NONBLOCK);
    }
    loop_ = contender.start();
    run_in(*loop_, [this] {
      loop_->watch(
          its_in_,
          [](void* data) {
            const auto& pong = *static_cast<Pong*>(data);
            std::uint64_t message = 0;
            if (::read(pong.its_in_, &message, sizeof message) != sizeof message) return;
            (void)!::write(pong.its_out_, &message, sizeof message);
          },
          this);
    });
    pin_self(0);
    pin(*loop_, 1);
  }
  ~Pong() {
    loop_ = nullptr;
    unpin_self();
    ::close(to_);
    ::close(its_out_);
  }
  Pong(const Pong&) = delete;
  Pong& operator=(const Pong&) = delete;

  std::int64_t ping() const {
    const std::int64_t start = now_ns();
    std::uint64_t message = 1;
    (void)!::write(to_, &message, sizeof message);
    while (::read(from_, &message, sizeof message) != sizeof message) pause_processor();
    return now_ns() - start;
  }

 private:
  int to_, from_, its_in_, its_out_;
  std::unique_ptr<Loop> loop_;
};

std::vector<double> ping_descriptor(const Contender& contender, bool sockets, int count) {
  const Pong pong(contender, sockets);
  std::vector<std::int64_t> samples;
  samples.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) samples.push_back(pong.ping());
  return {percentile(samples, 0.5), percentile(samples, 0.99)};
}

// Very many descriptors in one loop, which counts what it reads.
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

  // Makes some ready at once, in the loop's thread, so that no other thread's time counts; returns ns for
  // each.
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

  // Makes one ready, from here, and waits until it was read.
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

void bench_descriptors(const Bench& bench) {
  const std::vector<std::string> columns{"p50, ns", "p99, ns"};
  Table eventfds("eventfd ping-pong", columns, kReference);
  Table sockets("socketpair ping-pong", columns, kReference);
  const int count = bench.effort(10'000, 500);
  const int ready = count / 10;
  Table many(fmt::format("Fan-in of {} descriptors, {} ready", count, ready), {"ns per event"}, kReference);
  Table single(fmt::format("Fan-in of {} descriptors, 1 ready, 20 µs apart", count), columns, kReference);
  const bool fan_in = enough_descriptors(static_cast<rlim_t>(count) + 100);
  if (!fan_in) fmt::print("\nFan-in is left out: a process may not have {} descriptors here.\n", count);

  for (int round = 0; round < bench.effort.rounds(); ++round) {
    for (const Contender& contender : bench.contenders) {
      if (!contender.has_descriptors) continue;
      eventfds.add(contender.name, ping_descriptor(contender, false, bench.effort(4000, 100)));
    }
    for (const Contender& contender : bench.contenders) {
      if (!contender.has_descriptors) continue;
      sockets.add(contender.name, ping_descriptor(contender, true, bench.effort(4000, 100)));
    }
    for (const Contender& contender : bench.contenders) {
      if (!contender.has_descriptors || !fan_in) continue;
      FanIn inputs(contender, count);
      double total = 0;
      const int bursts = bench.effort(10, 2);
      for (int i = 0; i < bursts; ++i) total += inputs.burst(static_cast<std::size_t>(ready));
      many.add(contender.name, {total / bursts});
      std::vector<std::int64_t> samples(static_cast<std::size_t>(bench.effort(150, 20)));
      // 7919 is prime to the count: all come to their turn.
      for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = inputs.one(7919 * i);
      single.add(contender.name, {percentile(samples, 0.5), percentile(samples, 0.99)});
    }
  }
  eventfds.print();
  sockets.print();
  bench.goals.at_most("eventfd ping-pong: p50 to epoll's", eventfds.ratio("qomio"), 0.04,
                      "each look at descriptors, and each read and write, is a system call");
  bench.goals.at_most("socketpair ping-pong: p50 to epoll's", sockets.ratio("qomio"), 0.13,
                      "each look at descriptors, and each read and write, is a system call");
  if (!fan_in) return;
  many.print();
  single.print();
  bench.goals.at_least("fan-in, a tenth ready: × faster than epoll", 1 / many.ratio("qomio"), 1.0,
                       "a look-up from descriptor to handler for each event");
  bench.goals.at_least("fan-in, 1 ready: × faster than epoll", 1 / single.ratio("qomio"), 3.0,
                       "each look at descriptors, and each read and write, is a system call");
}

}  // namespace qomio::bench
