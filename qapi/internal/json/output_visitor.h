// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/visitor.h"

namespace qomio {

// Builds a JSON value. Never fails.
class OutputVisitor final : public Visitor {
 public:
  OutputVisitor() = default;
  OutputVisitor(const OutputVisitor&) = delete;
  OutputVisitor& operator=(const OutputVisitor&) = delete;
  ~OutputVisitor() override;

  // Returns the value that was visited and leaves the visitor empty.
  Json take() { return std::exchange(root_, nullptr); }

  bool is_input() const override { return false; }
  Result<void> type_int64(std::string_view name, std::int64_t& value) override;
  Result<void> type_uint64(std::string_view name, std::uint64_t& value) override;
  Result<void> type_size(std::string_view name, std::uint64_t& value) override;
  Result<void> type_bool(std::string_view name, bool& value) override;
  Result<void> type_number(std::string_view name, double& value) override;
  Result<void> type_str(std::string_view name, std::string& value) override;
  Result<void> type_any(std::string_view name, Json& value) override;
  Result<void> start_struct(std::string_view name) override;
  Result<void> end_struct() override;
  bool optional(std::string_view, bool present) override { return present; }
  Result<void> start_list(std::string_view name) override;
  bool next_element() override { return false; }
  Result<void> end_list() override;

 private:
  Result<void> put(std::string_view name, Json value);

  Json root_;
  std::vector<std::pair<std::string, Json>> open_;  // structs and lists not ended yet, outermost first
  std::size_t last_struct_size_ = 0;  // reserved for the next one, since the structs of a list are alike
};

}  // namespace qomio
