// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace qomio::bench {

// How much to measure: everything, or, if quick, only enough to show that the benchmark works.
struct Effort {
  bool quick = false;
  int rounds() const { return quick ? 1 : 7; }
  int operator()(int whole, int least) const { return quick ? least : whole; }
};

// The results of one piece of work: a row for each contender, with several columns and a value for each
// round. The others are compared with the contender `reference`.
class Table {
 public:
  Table(std::string title, std::vector<std::string> columns, std::string reference)
      : title_(std::move(title)), columns_(std::move(columns)), reference_(std::move(reference)) {}

  void add(const std::string& contender, std::vector<double> values);
  // The median of the rounds; NaN for a contender that did not take part.
  double median(const std::string& contender, std::size_t column = 0) const;
  // The ratio of a contender to the reference: the median of the ratios within each round, since noise
  // affects measurements of the same round alike.
  double ratio(const std::string& contender, std::size_t column = 0) const;
  // The largest or smallest median of all contenders except these.
  double best_except(const std::vector<std::string>& left_out, bool largest, std::size_t column = 0) const;
  // Prints a Markdown table: medians, and for the first column the range of the rounds and the ratio.
  void print() const;

 private:
  struct Row {
    std::string contender;
    std::vector<std::vector<double>> rounds;
  };
  const Row* find(const std::string& contender) const;

  std::string title_;
  std::vector<std::string> columns_;
  std::string reference_;
  std::vector<Row> rows_;
};

// The goals, and whether the measurements reach them.
class Goals {
 public:
  // limit: the reason why a goal is missed; printed only if it is.
  void at_most(std::string what, double measured, double wanted, std::string limit = {});
  void at_least(std::string what, double measured, double wanted, std::string limit = {});
  void print() const;

 private:
  struct Goal {
    std::string what, limit;
    double measured, wanted;
    bool at_most;
  };
  std::vector<Goal> goals_;
};

// Sorts the samples and returns the percentile for this share, for example the median for 0.5.
double percentile(std::vector<std::int64_t>& samples, double share);

}  // namespace qomio::bench
