// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/version.h"

namespace qomio {

std::string_view version_text() { return QOMIO_VERSION; }

Result<VersionInfo> query_version() {
  return VersionInfo{.qemu = {.major = 7, .minor = 2, .micro = 22}, .package = "qomio-" QOMIO_VERSION};
}

}  // namespace qomio
