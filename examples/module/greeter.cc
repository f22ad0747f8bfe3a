// SPDX-License-Identifier: GPL-2.0-or-later
// A type and a command from a module: `qomiod --module ./greeter.so --object greeter,id=g0,name=World`, then
// `qomctl get g0 greeting` and `qomctl greet greeter=g0 times=2`.
#include <qomio/object/module.h>
#include <qomio/object/property.h>
#include <qomio/object/tree.h>
#include <qomio/object/user_creatable.h>
#include <qomio/qapi/command_registry.h>

namespace {

using namespace qomio;

class Greeter final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;
  std::string greeting() const { return "Hello, " + name_ + "!"; }

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("name", &Greeter::name_).describe("who is greeted"));
    klass.add(property("greeting", &Greeter::greeting).describe("what is said"));
  }
  std::string name_ = "nobody";
};

const TypeInfo Greeter::type_info{
    .name = "greeter",
    .parent = "object",
    .interfaces = {"user-creatable"},
    .create = create<Greeter>,
    .class_init = class_init,
};

struct GreetArguments {
  std::string greeter;
  std::int64_t times = 1;
  static constexpr std::string_view type_name = "GreetArguments";
  static constexpr auto members =
      member_list(member("greeter", &GreetArguments::greeter, "id of the greeter"),
                  member_with_default("times", &GreetArguments::times, "number of greetings"));
};

Result<std::vector<std::string>> greet(const GreetArguments& arguments) {
  const auto* greeter = object_cast<Greeter>(objects_root().child(arguments.greeter));
  if (!greeter) return error("greeter '{}' not found", arguments.greeter);
  if (arguments.times < 0 || arguments.times > 100) {
    return error("Parameter 'times' is {}, and must be in range [0, 100]", arguments.times);
  }
  return std::vector(static_cast<std::size_t>(arguments.times), greeter->greeting());
}

}  // namespace

extern "C" const ModuleInfo qomio_module{
    .abi = kModuleAbi,
    .register_types = [] { return register_type(Greeter::type_info); },
    .add_commands =
        [](CommandRegistry& commands) {
          commands.add(command("greet", "returns greetings", greet).query());
        }};
