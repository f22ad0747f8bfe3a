// SPDX-License-Identifier: GPL-2.0-or-later
// expected: the_name_of_an_error_class_is_letters_and_digits_after_a_capital
#include "qomio/qapi/error.h"

constexpr qomio::ErrorClass kBusy("Device busy");
