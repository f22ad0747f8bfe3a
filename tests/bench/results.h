// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace qomio::bench {

// How much is done: the whole, or as little as shows that it works.
struct Effort {
  bool quick = false;
  int rounds() const { return quick ? 1 : 7; }
  int operator()(int whole, int least) const { return quick ? least : whole; }
};

// One piece of work: a row for each contender, several columns, a value for each round. `reference` is the
// contender that the others are compared with.
class Table {
 public:
  Table(std::string title, std::vector<std::string> columns, std::string reference)
      : title_(std::move(title)), columns_(std::move(columns)), reference_(std::move(reference)) {}

  void add(const std::string& contender, std::vector<double> values);
  // Over the rounds; not a number for a contender that did not take part.
  double median(const std::string& contender, std::size_t column = 0) const;
  // Of a contender to the reference: the median of what each round says, since noise meets neighbours alike.
  double ratio(const std::string& contender, std::size_t column = 0) const;
  // The largest (or smallest) median of the contenders but these.
  double best_except(const std::vector<std::string>& left_out, bool largest, std::size_t column = 0) const;
  // As a table of Markdown: medians, and for the first column the spread of the rounds and the ratio.
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

// What is wanted, and whether it was reached.
class Goals {
 public:
  // `limit` says what stands in the way, for one that is not met.
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

// Sorts, and returns the value that this share of them is not above.
double percentile(std::vector<std::int64_t>& samples, double share);

}  // namespace qomio::bench
