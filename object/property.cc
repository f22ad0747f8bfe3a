// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/property.h"

namespace qomio {

std::unexpected<Error> detail::range_error(std::string_view name, const Json& minimum, const Json& maximum) {
  return error("{} value must be in range [{}, {}]", name, json_text(minimum), json_text(maximum));
}

}  // namespace qomio
