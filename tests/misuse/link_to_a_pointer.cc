// SPDX-License-Identifier: GPL-2.0-or-later
// expected: link() takes a WeakLink<T> or StrongLink<T> member, not a pointer
#include "qomio/object/link.h"

class Thing : public qomio::Object {
 public:
  qomio::Object* other = nullptr;
};
void class_init(qomio::ObjectClass& klass) { klass.add(qomio::link("other", &Thing::other)); }
