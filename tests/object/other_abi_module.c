/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A module built for another version: a program must refuse it before it calls any of its functions. */
#include <stdlib.h>

static void never_called(void) { abort(); }

const struct {
  const char* abi;
  void (*register_types)(void);
} qomio_module = {"qomio-0.0", never_called};
