// SPDX-License-Identifier: GPL-2.0-or-later
// Lamps with properties of types of the program's own and of the standard library: docs/OBJECTS.md explains
// them. Speaks QMP on standard input and output.
#include <qomio/qomio.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>

using namespace qomio;
using namespace std::chrono_literals;

enum class Level { off = 0, low = 10, high = 100 };  // in per cent

template <>
inline constexpr auto qomio::enum_description<Level> = EnumDescription(
    "Level", value(Level::off, "off"), value(Level::low, "low", "for the night"), value(Level::high, "high"));

struct Colour {
  std::uint32_t rgb = 0xffffff;
};

template <>
struct qomio::ValueTraits<Colour> {
  using Wire = std::string;  // what clients read and write
  static constexpr std::string_view type_name = "colour";
  static std::string to_wire(const Colour& colour) {
    char text[16];
    std::snprintf(text, sizeof text, "#%06x", unsigned{colour.rgb});
    return text;
  }
  static Result<Colour> from_wire(const std::string& text) {
    if (text.size() != 7 || text[0] != '#' || text.find_first_not_of("0123456789abcdef", 1) != text.npos)
      return error("expects a colour such as #ffa500, not '{}'", text);
    return Colour{static_cast<std::uint32_t>(std::stoul(text.substr(1), nullptr, 16))};
  }
};

class Lamp final : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;

 private:
  static void class_init(ObjectClass& klass) {
    klass.add(property("level", &Lamp::level_).describe("brightness"));
    klass.add(property("colour", &Lamp::colour_).describe("of the light"));
    klass.add(property("fade", &Lamp::fade_).range(0ms, 10s).default_value(500ms).describe("time to dim"));
    klass.add(property("off-after", &Lamp::off_after_).describe("when it turns itself off; null: never"));
    klass.add(property("position", &Lamp::position_).describe("x, y, z in metres"));
    klass.add(property("log", &Lamp::log_).describe("file for what it did"));
    klass.add(property("greeting", &Lamp::greeting_).describe("any thread may read it"));
  }

  Level level_ = Level::off;
  Colour colour_;
  std::chrono::milliseconds fade_{};
  std::optional<std::chrono::minutes> off_after_;
  std::array<float, 3> position_{};
  std::filesystem::path log_;
  Shared<std::string> greeting_;
};

const TypeInfo Lamp::type_info{.name = "lamp",
                               .parent = "object",
                               .interfaces = {"user-creatable"},
                               .create = create<Lamp>,
                               .class_init = class_init};

struct ShowArguments {
  std::map<std::string, Colour> colours;
  std::chrono::milliseconds each = 1s;
  static constexpr std::string_view type_name = "ShowArguments";
  static constexpr auto members =
      member_list(member("colours", &ShowArguments::colours, "of lamps, by their ids"),
                  member_with_default("each", &ShowArguments::each, "how long one is shown"));
};

// Returns how long the show takes.
static Result<std::chrono::milliseconds> show(const ShowArguments& arguments) {
  for (const auto& [id, colour] : arguments.colours) {
    if (!object_cast<Lamp>(objects_root().child(id))) return error("lamp '{}' not found", id);
  }
  return arguments.each * arguments.colours.size();
}

int main() {
  auto main_loop = MainLoop::create();
  if (!main_loop || !register_type(Lamp::type_info)) return 1;
  CommandRegistry commands;
  add_object_commands(commands);
  add_iothread_commands(commands, *main_loop);
  commands.add(command("show", "shows the colours in turn", show));
  const ObjectsCleanup cleanup;
  QmpServer qmp(commands, main_loop->g_main_context());
  if (!qmp.add_client(0, 1)) return 1;
  return main_loop->run();  // until `quit`
}
