// SPDX-License-Identifier: GPL-2.0-or-later
// expected: a Shared<T> is a number, a flag or another type that is copied byte by byte, or std::string
#include "qomio/object/property.h"

qomio::Shared<std::vector<int>> numbers;
