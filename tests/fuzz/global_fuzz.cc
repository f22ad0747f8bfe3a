// SPDX-License-Identifier: GPL-2.0-or-later
// Global defaults, one per line. Each must be refused with a message or apply to objects created later.
#include <string>

#include "qomio/object/global_defaults.h"
#include "qomio/tests/fuzz/fuzz.h"
#include "qomio/tests/fuzz/gadget.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qomio;
  using namespace qomio::fuzz;
  register_gadget();
  std::string_view rest = as_text(data, size);
  while (!rest.empty()) {
    if (const auto parsed = parse_global_default(take_line(rest)); !parsed) require_text(parsed.error());
  }
  for (const auto& warning : global_default_warnings()) require(!warning.empty(), "a warning has a text");
  if (const auto made = object_new_with_props("gadget", objects_root(), "made"); !made) {
    require_text(made.error());
    require(objects_root().is_empty(), "nothing is left of an object that could not be made");
  }
  remove_all();
  remove_global_defaults();
  require(object_new_with_props("gadget", objects_root(), "made").has_value(),
          "defaults go when they are removed");
  remove_all();
  return 0;
}
