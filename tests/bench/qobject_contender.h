// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace qomio::bench {

// The work of the object benchmark with Qt's QObject; all null if Qt was not found at build time.
struct QObjectContender {
  void (*create)(std::int64_t count) = nullptr;
  void (*create_with_properties)(std::int64_t count) = nullptr;
  void (*set)(std::int64_t count) = nullptr;
  void (*get)(std::int64_t count) = nullptr;
  void (*cast)(std::int64_t count) = nullptr;
};

const QObjectContender& qobject_contender();

}  // namespace qomio::bench
