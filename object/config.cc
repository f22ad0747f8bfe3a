// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <ranges>
#include <vector>

#include "qomio/object/module.h"
#include "qomio/object/object.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/internal/json/document.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

// The number of JSON objects among the elements before `end`.
std::size_t count_objects(const Json& list, std::size_t end) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < end; ++i) {
    if (list[i].is_object()) ++count;
  }
  return count;
}

// Returns the position of an element of a list that is a member of the outermost object, as a prefix for
// errors. Returns " " if the element or one before it is not an object: the document records positions of
// objects only.
std::string place_of(const JsonDocument& document, std::string_view list, std::size_t index) {
  std::size_t before = 0;
  for (const auto& member : document.value.get_ref<const Json::object_t&>()) {
    const Json& value = member.second;
    if (!value.is_array()) continue;
    if (member.first == list) {
      const bool has_place = count_objects(value, index + 1) == index + 1;
      return has_place ? document.elements[before + index].prefix() : " ";
    }
    before += count_objects(value, value.size());
  }
  return " ";
}

// The objects made and properties set so far by a configuration; the destructor undoes them unless keep() was
// called.
class ConfigLoad {
 public:
  ConfigLoad() = default;
  ConfigLoad(const ConfigLoad&) = delete;
  ConfigLoad& operator=(const ConfigLoad&) = delete;
  ~ConfigLoad() {
    for (auto& [object, values] : std::views::reverse(old_values_)) (void)object_set_props(*object, values);
    while (!made_.empty()) {
      object_unparent(*made_.back());
      made_.pop_back();
    }
  }

  Result<void> make(const Json& options) {
    auto object = user_creatable_add(options);
    if (!object) return failure(object);
    made_.push_back(std::move(*object));
    return {};
  }

  Result<void> set(const ConfigSettings& settings) {
    Object* object = object_resolve_path(settings.path).object;
    if (!object) return error(ErrorClass::DeviceNotFound, "Device '{}' not found", settings.path);
    if (!settings.properties.is_object()) {
      return error("Invalid parameter type for 'properties', expected: object");
    }
    Json old = Json::object();
    for (const auto& [name, value] : settings.properties.items()) {
      if (auto present = object->get_property(name)) old[name] = std::move(*present);
    }
    if (auto r = object_set_props(*object, settings.properties); !r) return r;
    old_values_.emplace_back(*object, std::move(old));
    return {};
  }

  void keep() {
    made_.clear();
    old_values_.clear();
  }

 private:
  std::vector<Ref<Object>> made_;
  std::vector<std::pair<Ref<Object>, Json>> old_values_;
};

// Marks a write-only property as set, so that the next query-config also lists it as not saved.
void remember_loss(const ConfigLoss& loss) {
  Object* object = object_resolve_path(loss.path).object;
  const Property* property = object ? object->find_property(loss.property) : nullptr;
  if (property && property->is_writable() && !property->is_readable()) object->remember_set(*property);
}

}  // namespace

Result<void> load_config(CommandRegistry& commands, std::string_view text, std::string_view name) {
  require_main_thread("load_config()");
  const auto failed = [name](Error error, std::string_view place) {
    error.prepend(fmt::format("{}:{}", name, place));
    return std::unexpected(std::move(error));
  };
  auto document = parse_json_document(text);
  if (!document) return failed(std::move(document).error(), "");
  if (!document->value.is_object()) return failed(Error("expected an object"), " ");
  auto config = from_json<Config>(document->value);
  if (!config) return failed(std::move(config).error(), " ");

  for (const std::string& path : config->load_modules.value_or(std::vector<std::string>())) {
    if (auto r = module_load(commands, path); !r) return failed(std::move(r).error(), " ");
  }
  ConfigLoad load;
  for (std::size_t i = 0; i < config->objects.size(); ++i) {
    const Json& options = config->objects[i];
    auto r = options.is_object() ? load.make(options)
                                 : error("Invalid parameter type for 'objects[{}]', expected: object", i);
    if (!r) return failed(std::move(r).error(), place_of(*document, "objects", i));
  }
  const auto settings = std::move(config->settings).value_or(std::vector<ConfigSettings>());
  for (std::size_t i = 0; i < settings.size(); ++i) {
    auto r = load.set(settings[i]);
    if (!r) return failed(std::move(r).error(), place_of(*document, "settings", i));
  }
  load.keep();
  for (const ConfigLoss& loss : config->not_saved.value_or(std::vector<ConfigLoss>())) remember_loss(loss);
  return {};
}

Result<void> load_config_file(CommandRegistry& commands, const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return errno_error(errno, fmt::format("cannot open '{}'", path));
  std::string text;
  std::vector<char> piece(std::size_t{64} << 10);
  for (;;) {
    const ssize_t n = read(file.get(), piece.data(), piece.size());
    if (n == 0) return load_config(commands, text, path);
    if (n > 0) {
      text.append(piece.data(), static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      return errno_error(errno, fmt::format("cannot read '{}'", path));
    }
  }
}

}  // namespace qomio
