// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tests/bench/qobject_contender.h"

namespace qomio::bench {

const QObjectContender& qobject_contender() {
  static const QObjectContender none;
  return none;
}

}  // namespace qomio::bench
