// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/version.h"

namespace qomio {

std::string_view version_text() { return QOMIO_VERSION; }

}  // namespace qomio
