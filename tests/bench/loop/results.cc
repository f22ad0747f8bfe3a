// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tests/bench/loop/results.h"

#include <fmt/core.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>

namespace qomio::bench {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double median_of(std::vector<double> values) {
  if (values.empty()) return kNone;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void set_affinity(pid_t thread, int first, int count) {
  if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) return;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  for (int cpu = first; cpu < first + count; ++cpu) CPU_SET(cpu, &cpus);
  ::sched_setaffinity(thread, sizeof cpus, &cpus);
}

}  // namespace

void Table::add(const std::string& contender, std::vector<double> values) {
  auto row = std::ranges::find(rows_, contender, &Row::contender);
  if (row == rows_.end()) row = rows_.insert(rows_.end(), {contender, {}});
  row->rounds.push_back(std::move(values));
}

const Table::Row* Table::find(const std::string& contender) const {
  const auto row = std::ranges::find(rows_, contender, &Row::contender);
  return row == rows_.end() ? nullptr : &*row;
}

double Table::median(const std::string& contender, std::size_t column) const {
  const Row* const row = find(contender);
  if (!row) return kNone;
  std::vector<double> values;
  values.reserve(row->rounds.size());
  for (const auto& round : row->rounds) values.push_back(round[column]);
  return median_of(values);
}

double Table::ratio(const std::string& contender, std::size_t column) const {
  const Row* const row = find(contender);
  const Row* const floor = find("epoll");
  if (!row || !floor) return kNone;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(row->rounds.size(), floor->rounds.size()); ++i) {
    ratios.push_back(row->rounds[i][column] / floor->rounds[i][column]);
  }
  return median_of(ratios);
}

double Table::best_of_libraries(bool largest, std::size_t column) const {
  double best = kNone;
  for (const Row& row : rows_) {
    if (row.contender == "qomio" || row.contender == "mailbox" || row.contender == "epoll") continue;
    const double value = median(row.contender, column);
    if (std::isnan(best) || (largest ? value > best : value < best)) best = value;
  }
  return best;
}

void Table::print() const {
  fmt::print("\n### {}\n\n| with |", title_);
  for (const auto& column : columns_) fmt::print(" {} |", column);
  fmt::print(" rounds, {} | to epoll |\n|---|", columns_[0]);
  for (std::size_t i = 0; i < columns_.size() + 2; ++i) fmt::print("--:|");
  fmt::print("\n");
  for (const Row& row : rows_) {
    fmt::print("| {} |", row.contender);
    for (std::size_t i = 0; i < columns_.size(); ++i) fmt::print(" {} |", shown(median(row.contender, i)));
    const auto [least, most] =
        std::ranges::minmax_element(row.rounds, {}, [](auto& round) { return round[0]; });
    fmt::print(" {} .. {} | {} |\n", shown((*least)[0]), shown((*most)[0]), shown(ratio(row.contender)));
  }
  (void)std::fflush(stdout);
}

double percentile(std::vector<std::int64_t>& samples, double share) {
  if (samples.empty()) return kNone;
  std::ranges::sort(samples);
  return static_cast<double>(
      samples[static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1))]);
}

void pin_self(int cpu) { set_affinity(0, cpu, 1); }
void unpin_self() { set_affinity(0, 0, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN))); }
void pin(const Loop& loop, int cpu) { set_affinity(loop.thread_id(), cpu, 1); }

LoopCpu::LoopCpu(Loop& loop) {
  run_in(loop, [this] { ::pthread_getcpuclockid(::pthread_self(), &clock_); });
}

std::int64_t LoopCpu::used_ns() const {
  timespec used;
  ::clock_gettime(clock_, &used);
  return std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

void pause_processor() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void wait_until(std::int64_t then_ns, bool sleep) {
  if (sleep) {
    const timespec then{.tv_sec = then_ns / 1'000'000'000, .tv_nsec = then_ns % 1'000'000'000};
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, nullptr);
  }
  while (now_ns() < then_ns) pause_processor();
}

}  // namespace qomio::bench
