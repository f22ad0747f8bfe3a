// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/error.h"

#include <system_error>

namespace qomio {

std::string_view error_class_name(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::CommandNotFound:
      return "CommandNotFound";
    case ErrorClass::DeviceNotActive:
      return "DeviceNotActive";
    case ErrorClass::DeviceNotFound:
      return "DeviceNotFound";
    case ErrorClass::KVMMissingCap:
      return "KVMMissingCap";
    case ErrorClass::GenericError:
      break;
  }
  return "GenericError";
}

std::unexpected<Error> errno_error(int number, std::string_view what) {
  return error("{}: {}", what, std::generic_category().message(number));
}

}  // namespace qomio
