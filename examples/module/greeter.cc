// SPDX-License-Identifier: GPL-2.0-or-later
// A type from a module: `qomiod --module ./greeter.so --object greeter,id=g0,name=World`, then
// `qomctl get g0 greeting`.
#include <qomio/object/module.h>
#include <qomio/object/property.h>
#include <qomio/object/user_creatable.h>

namespace {

using namespace qomio;

class Greeter final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("name", &Greeter::name_).describe("who is greeted"));
    klass.add(property("greeting", &Greeter::greeting).describe("what is said"));
  }
  std::string greeting() const { return "Hello, " + name_ + "!"; }

  std::string name_ = "nobody";
};

const TypeInfo Greeter::type_info{
    .name = "greeter",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Greeter>,
    .class_init = class_init,
};

}  // namespace

extern "C" const ModuleInfo qomio_module{
    kModuleAbi, [](CommandRegistry& /*commands*/) { return register_type(Greeter::type_info); }};
