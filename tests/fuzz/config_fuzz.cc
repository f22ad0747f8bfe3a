// SPDX-License-Identifier: GPL-2.0-or-later
// Loads a configuration: all of it or nothing must be created, and the saved state must load as the same.
#include <string>

#include "qomio/tests/fuzz/fuzz.h"
#include "qomio/tests/fuzz/gadget.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qomio;
  using namespace qomio::fuzz;
  register_gadget();
  if (const auto loaded = load_config(object_registry(), as_text(data, size), "fuzz"); !loaded) {
    require_text(loaded.error());
    require(objects_root().is_empty(), "nothing is left of what was refused");
    return 0;
  }
  const std::string made = state();
  remove_all();
  const auto again = load_config(object_registry(), made, "again");
  require(again.has_value(), "what runs is a configuration");
  // Compares values, not text: -0.0 is written as `-0`, which is read as the integer 0.
  require(parse_json(state()).value() == parse_json(made).value(), "which makes the same again");
  remove_all();
  return 0;
}
