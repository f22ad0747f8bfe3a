// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace qomio::bench {

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

// A number as tables show it: three digits, or all before the point; "-" for none.
std::string shown(double value);

}  // namespace qomio::bench
