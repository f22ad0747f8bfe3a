// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/config.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "qomio/object/object.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/json_document.h"

namespace qomio {
namespace {

bool can_be_made_again(Object& object) {
  return object.parent() == &objects_root() && object_cast<UserCreatable>(&object);
}

// The object that users made of which this is a part; null when there is none.
Object* made_by_user(Object* object) {
  while (object && !can_be_made_again(*object)) object = object->parent();
  return object;
}

Result<Json> options_of(Object& object) {
  // A new object of the type, which is never started, tells what needs not be said.
  auto fresh = object_new(object.object_class());
  if (!fresh) return failure(fresh);
  Json options{{"qom-type", object.type_name()}, {"id", object.name()}};
  for (const PropertyView& view : object.property_views()) {
    const Property* property = object.find_property(view.name);
    if (!property || !property->is_writable() || !property->is_readable()) continue;
    if (!(*fresh)->find_property(view.name)) continue;  // added since, by the program
    auto value = object.get_property(view.name);
    if (!value) return value;
    // What is new may be the work of a global default, which another run has not.
    const Json& declared = property->default_value();
    const auto usual = (*fresh)->get_property(view.name);
    if (usual && *usual == *value && (declared.is_null() || declared == *value)) continue;
    options[std::string(view.name)] = std::move(*value);
  }
  return options;
}

// Lists objects so that what one links to comes before it.
class ConfigWriter {
 public:
  Result<void> add(Object& object) {
    if (!seen_.insert(&object).second) return {};
    for (const PropertyView& view : object.property_views()) {
      const Property* property = object.find_property(view.name);
      Object* target = property && property->is_writable() ? made_by_user(property->target(object)) : nullptr;
      if (!target) continue;
      if (auto r = add(*target); !r) return r;
    }
    auto options = options_of(object);
    if (!options) return failure(options);
    config_.objects.push_back(std::move(*options));
    return {};
  }
  Config take() { return std::move(config_); }

 private:
  std::set<const Object*> seen_;
  Config config_;
};

}  // namespace

Result<Config> query_config() {
  ConfigWriter writer;
  Result<void> result;
  object_child_foreach(objects_root(), [&](Object& object) {
    if (can_be_made_again(object)) result = writer.add(object);
    return result ? 0 : 1;
  });
  if (!result) return failure(result);
  return writer.take();
}

Result<void> load_config(std::string_view text, std::string_view name) {
  const auto failed = [name](Error error, std::string_view place) {
    error.prepend(fmt::format("{}:{}", name, place));
    return std::unexpected(std::move(error));
  };
  auto document = parse_json_document(text);
  if (!document) return failed(std::move(document).error(), "");
  if (!document->value.is_object()) return failed(Error("expected an object"), " ");
  auto config = from_json<Config>(document->value);
  if (!config) return failed(std::move(config).error(), " ");

  std::vector<Ref<Object>> made;
  for (std::size_t i = 0; i < config->objects.size(); ++i) {
    const Json& options = config->objects[i];
    auto object =
        options.is_object()
            ? user_creatable_add(options)
            : Result<Ref<Object>>(error("Invalid parameter type for 'objects[{}]', expected: object", i));
    if (object) {
      made.push_back(std::move(*object));
      continue;
    }
    // Elements that are no objects have no place, and the first of them ends it.
    const bool has_place = i < document->elements.size() && options.is_object();
    while (!made.empty()) {
      object_unparent(*made.back());
      made.pop_back();
    }
    return failed(std::move(object).error(), has_place ? document->elements[i].prefix() : " ");
  }
  return {};
}

Result<void> load_config_file(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return errno_error(errno, fmt::format("cannot open '{}'", path));
  std::string text;
  std::vector<char> piece(std::size_t{64} << 10);
  for (;;) {
    const ssize_t n = read(file.get(), piece.data(), piece.size());
    if (n == 0) return load_config(text, path);
    if (n > 0) {
      text.append(piece.data(), static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      return errno_error(errno, fmt::format("cannot read '{}'", path));
    }
  }
}

void add_config_command(Interface& interface) {
  interface.add(
      command("query-config", "the objects that users made, as --config makes them again", query_config)
          .query());
}

}  // namespace qomio
