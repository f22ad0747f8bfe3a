// SPDX-License-Identifier: GPL-2.0-or-later
// expected later: the_number_of_places_differs_from_the_number_of_arguments
#include "qomio/qapi/error.h"

qomio::Result<void> refuse(int value) { return qomio::error("{} is not {}", value); }
