// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/visitor.h"

namespace qomio {

// What to do when a client uses something deprecated or unstable: to find out who still does.
enum class CompatInput { accept, reject, crash };
template <>
inline constexpr auto enum_description<CompatInput> =
    EnumDescription("CompatPolicyInput", "accept", EnumValue("reject", "as an error"),
                    EnumValue("crash", "abort the program"));

// Whether clients see it.
enum class CompatOutput { accept, hide };
template <>
inline constexpr auto enum_description<CompatOutput> =
    EnumDescription("CompatPolicyOutput", "accept", "hide");

// How the features `deprecated` and `unstable` of commands, events, members and values are treated. All else
// is accepted always.
struct CompatPolicy {
  CompatInput deprecated_input = CompatInput::accept;
  CompatOutput deprecated_output = CompatOutput::accept;
  CompatInput unstable_input = CompatInput::accept;
  CompatOutput unstable_output = CompatOutput::accept;
  static constexpr std::string_view type_name = "CompatPolicy";
  static constexpr auto members =
      std::tuple(member_with_default("deprecated-input", &CompatPolicy::deprecated_input),
                 member_with_default("deprecated-output", &CompatPolicy::deprecated_output),
                 member_with_default("unstable-input", &CompatPolicy::unstable_input),
                 member_with_default("unstable-output", &CompatPolicy::unstable_output));

  bool rejects_some() const;
  bool hides_some() const;
  // Is output with these features hidden?
  bool hides(const std::vector<std::string>& features) const;

  // May a client use something with these features? `what` is "command", "parameter" or "value". Errors:
  // `Deprecated parameter x disabled by policy`, for a command CommandNotFound.
  Result<void> check(std::string_view what, std::string_view name,
                     const std::vector<std::string>& features) const;
  // May it send these arguments? Looks at the members and values that the type knows; all other errors are
  // left to whoever reads the value.
  Result<void> check_input(const Json& value, const TypeDescription& type) const;
  // Takes out what is hidden.
  void filter_output(Json& value, const TypeDescription& type) const;
};

}  // namespace qomio
