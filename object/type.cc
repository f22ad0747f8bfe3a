// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/type.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <ranges>

#include "qomio/object/global_defaults.h"
#include "qomio/object/object.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_type_name(std::string_view name) {
  if (name.size() < 2) return false;
  if (!is_letter(name[0]) && !(name[0] >= '1' && name[0] <= '9')) return false;
  return std::ranges::all_of(name, [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

// A type has at most so many ancestors. They are made by recursion.
constexpr unsigned kMaxAncestors = 500;

// Up to here it is quicker to look at all than to compute a hash.
constexpr std::size_t kScannedProperties = 16;

// Length and ends of a name: other names seldom have the same, so few need to be compared whole.
std::uint32_t name_key(std::string_view name) {
  if (name.empty()) return 0;
  return static_cast<std::uint32_t>(name.size() << 16) | static_cast<unsigned char>(name.front()) << 8 |
         static_cast<unsigned char>(name.back());
}

// The root of all interfaces.
constinit const TypeInfo kInterface{.name = "interface", .abstract = true};

}  // namespace

// All registered types, and their classes as far as they have been made. The one of the process; types live
// as long as the program.
class TypeRegistry {
 public:
  static TypeRegistry& process() {
    static auto* registry =
        new TypeRegistry;  // never destroyed: objects may go after static destructors began
    return *registry;
  }

  Result<void> add(const TypeInfo& info) {
    const std::scoped_lock lock(mutex_);
    if (const auto it = types_.find(info.name); it != types_.end()) {
      if (it->second->registered_from == &info) return {};
      return error("Registering '{}' which already exists", info.name);
    }
    if (!is_type_name(info.name)) return error("Registering '{}' with illegal type name", info.name);
    if (info.interfaces.too_many()) return error("Registering '{}' with more than 8 interfaces", info.name);
    auto type = std::make_unique<Type>(info);
    const std::string_view key = type->name;
    types_.emplace(key, std::move(type));
    return {};
  }

  Result<const ObjectClass*> class_by_name(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    Type* type = find(name);
    if (!type) return error("unknown type '{}'", name);
    if (auto r = make_class(*type); !r) return failure(r);
    if (type->state == State::ready) latest_ = type->klass.get();
    return type->klass.get();
  }

  // What this thread looked up last, if it has that name: programs make many objects of a type in a row.
  // Classes stay as they are once they are ready, so no lock is needed.
  static const ObjectClass* latest(std::string_view name) {
    return latest_ && latest_->name() == name ? latest_ : nullptr;
  }

  std::vector<const ObjectClass*> classes() {
    const std::scoped_lock lock(mutex_);
    // By name first: a class_init hook may register types while the list is made.
    std::vector<Type*> types;
    types.reserve(types_.size());
    for (const auto& [name, type] : types_) types.push_back(type.get());
    std::vector<const ObjectClass*> classes;
    classes.reserve(types.size());
    for (Type* type : types) {
      if (type->state != State::in_progress && make_class(*type)) classes.push_back(type->klass.get());
    }
    return classes;
  }

  Result<void> check() {
    const std::scoped_lock lock(mutex_);
    // A class_init hook may register types meanwhile: they come after it by name, or were asked for by it.
    for (const auto& [name, type] : types_) {
      if (type->state == State::in_progress) continue;
      if (auto r = make_class(*type); !r) return r;
    }
    return {};
  }

 private:
  enum class State { registered, in_progress, ready };

  TypeRegistry() {
    for (const TypeInfo* basic :
         {&Object::type_info, &kInterface, &Container::type_info, &UserCreatable::type_info})
      invariant(add(*basic).has_value(), "a basic type could not be registered");
  }

  struct Type {
    explicit Type(const TypeInfo& i) : name(i.name), parent(i.parent), info(i), registered_from(&i) {
      for (const auto interface : i.interfaces) interfaces.emplace_back(interface);
      info.name = name;
      info.parent = parent;
      info.interfaces = {};  // its strings may be gone later
    }
    std::string name;
    std::string parent;
    std::vector<std::string> interfaces;
    TypeInfo info;
    const TypeInfo* registered_from;
    State state = State::registered;
    std::unique_ptr<ObjectClass> klass;
  };

  Type* find(std::string_view name) {
    const auto it = types_.find(name);
    return it == types_.end() ? nullptr : it->second.get();
  }

  Result<void> make_class(Type& type) {
    if (type.state == State::ready) return {};
    if (type.state == State::in_progress) {
      if (type.klass) return {};  // looked up from its own class_init: as far as it has come
      return error("Type '{}' is its own ancestor", type.name);
    }
    if (in_progress_ > kMaxAncestors) return too_many_ancestors(type);
    struct Making {
      TypeRegistry& registry;
      Type& type;
      bool done = false;
      Making(TypeRegistry& r, Type& t) : registry(r), type(t) {
        type.state = State::in_progress;
        ++registry.in_progress_;
      }
      Making(const Making&) = delete;
      Making& operator=(const Making&) = delete;
      ~Making() {
        --registry.in_progress_;
        type.state = done ? State::ready : State::registered;
        if (!done) type.klass.reset();
      }
    } making(*this, type);
    auto made = make_class_unguarded(type);
    making.done = made.has_value();
    return made;
  }

  static std::unexpected<Error> too_many_ancestors(const Type& type) {
    return error(
        "Type '{}' has more than {} ancestors, or class_init functions use each other's types that deep",
        type.name, kMaxAncestors);
  }

  // The class of a parent or an interface, whole: a copy of half a class would lack properties.
  Result<void> make_base(Type& base) {
    if (auto r = make_class(base); !r) return r;
    if (base.state == State::ready) return {};
    return error("Type '{}' is used by a type that derives from it, before it is ready", base.name);
  }

  Result<void> make_class_unguarded(Type& type) {
    const ObjectClass* parent = nullptr;
    if (type.name != "object" && type.name != "interface") {
      Type* parent_type = find(type.parent);
      if (!parent_type) return error("Type '{}' is missing its parent '{}'", type.name, type.parent);
      if (auto r = make_base(*parent_type); !r) return r;
      parent = parent_type->klass.get();
      if (parent->ancestors_.size() > kMaxAncestors) return too_many_ancestors(type);
    }
    std::vector<const ObjectClass*> interfaces;
    for (const auto& name : type.interfaces) {
      Type* interface = find(name);
      if (!interface) return error("missing interface '{}' for object '{}'", name, type.name);
      if (auto r = make_base(*interface); !r) return r;
      if (!interface->klass->is_interface())
        return error("'{}' for object '{}' is not an interface", name, type.name);
      interfaces.push_back(interface->klass.get());
    }

    auto klass = std::make_unique<ObjectClass>(type.info, parent);
    if (klass->is_interface()) {
      const TypeInfo& info = type.info;
      if (!type.interfaces.empty()) {
        return error("interface '{}' can have no interfaces but its parents", type.name);
      }
      if (info.create || info.instance_init || info.instance_post_init || info.instance_finalize) {
        return error("interface '{}' can have no instances, nor hooks for them", type.name);
      }
    }
    for (const ObjectClass* interface : interfaces) {
      if (!klass->implements(*interface)) klass->interfaces_.push_back(interface);
    }
    type.klass = std::move(klass);
    for (const ObjectClass* ancestor : type.klass->ancestors_) {
      if (ancestor != type.klass.get() && ancestor->info_.class_base_init) {
        callback("class_base_init of type", ancestor->name_,
                 [&] { ancestor->info_.class_base_init(*type.klass); });
      }
    }
    if (type.info.class_init) {
      callback("class_init of type", type.name, [&] { type.info.class_init(*type.klass); });
    }
    if (type.klass->mistake_) return std::unexpected(*type.klass->mistake_);
    return {};
  }

  // Recursive: class_init hooks may look types up.
  std::recursive_mutex mutex_;
  unsigned in_progress_ = 0;  // classes that are being made
  std::map<std::string_view, std::unique_ptr<Type>> types_;
  static constinit inline thread_local const ObjectClass* latest_ = nullptr;
};

Result<void> register_type(const TypeInfo& info) { return TypeRegistry::process().add(info); }

Result<const ObjectClass*> object_class_by_name(std::string_view name) {
  if (const ObjectClass* latest = TypeRegistry::latest(name)) return latest;
  return TypeRegistry::process().class_by_name(name);
}

Result<void> check_types() { return TypeRegistry::process().check(); }

std::vector<const ObjectClass*> object_classes() { return TypeRegistry::process().classes(); }

ObjectClass::ObjectClass(const TypeInfo& info, const ObjectClass* parent) : name_(info.name), info_(info) {
  is_interface_ = info.name == "interface" || (parent && parent->is_interface_);
  if (parent) {
    ancestors_ = parent->ancestors_;
    interfaces_ = parent->interfaces_;
    properties_ = parent->properties_;
    name_keys_ = parent->name_keys_;
    with_default_ = parent->with_default_;
    index_ = parent->index_;
    init_hooks_ = parent->init_hooks_;
    post_init_hooks_ = parent->post_init_hooks_;
    finalize_hooks_ = parent->finalize_hooks_;
    if (!info_.create) info_.create = parent->info_.create;
    if (!info_.class_data) info_.class_data = parent->info_.class_data;
  }
  if (info.instance_init) init_hooks_.push_back(info.instance_init);
  if (info.instance_post_init) post_init_hooks_.push_back(info.instance_post_init);
  if (info.instance_finalize) finalize_hooks_.push_back(info.instance_finalize);
  depth_ = ancestors_.size();
  ancestors_.push_back(this);
}

ObjectClass::~ObjectClass() = default;

bool ObjectClass::implements(const ObjectClass& interface) const {
  return std::ranges::any_of(interfaces_, [&](const ObjectClass* i) { return i->derives_from(interface); });
}

const Property& ObjectClass::add(std::unique_ptr<Property> property) {
  const Property& added = *own_.emplace_back(std::move(property));
  const auto wrong = [&](std::string_view why) -> const Property& {
    if (!mistake_) {
      mistake_ = std::make_unique<Error>(fmt::format("Property '{}.{}' {}", name_, added.name(), why));
    }
    return added;
  };
  if (auto r = detail::check_name(added.name()); !r) return wrong("is refused: " + r.error().message());
  if (index_.contains(added.name())) return wrong("is declared twice");
  if (!added.mistake().empty()) return wrong(added.mistake());
  properties_.push_back(&added);
  name_keys_.push_back(name_key(added.name()));
  if (!added.default_value().is_null()) with_default_.push_back(&added);
  index_.emplace(added.name(), &added);
  return added;
}

const Property* ObjectClass::find_property(std::string_view name) const {
  if (name_keys_.size() <= kScannedProperties) {
    const auto key = name_key(name);
    for (std::size_t i = 0; i < name_keys_.size(); ++i) {
      if (name_keys_[i] == key && properties_[i]->name() == name) return properties_[i];
    }
    return nullptr;
  }
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : it->second;
}

void ObjectClass::expect_instances(bool (*is_instance)(const Object&)) const {
  is_instance_ = is_instance;
  checked_instance_ = false;
}

Result<void> ObjectClass::check_instance(const Object& object) const {
  const auto other_class = [&](std::string_view what) {
    return error(
        "type '{}' makes objects of another C++ class than {} is for: is .create of its TypeInfo missing?",
        name_, what);
  };
  for (const ObjectClass* ancestor : ancestors_) {
    const auto is_instance = ancestor->is_instance_.load();
    if (is_instance && !is_instance(object)) {
      return other_class(fmt::format("type_info of type '{}'", ancestor->name_));
    }
  }
  for (const Property* property : properties_) {
    if (!property->fits(object)) return other_class(fmt::format("property '{}'", property->name()));
  }
  for (const ObjectClass* interface : interfaces_) {
    const auto implemented_by = interface->info_.implemented_by;
    if (implemented_by && !implemented_by(object)) {
      return error("type '{}' lists interface '{}', but its C++ class does not derive from it", name_,
                   interface->name_);
    }
  }
  checked_instance_ = true;
  return {};
}

Result<Ref<Object>> ObjectClass::instantiate() const {
  if (is_abstract() || is_interface_) return error("object type '{}' is abstract", name_);
  if (!info_.create) return error("type '{}' can't be instantiated: its TypeInfo has no .create", name_);
  auto object = Ref<Object>::adopt(callback("constructor of type", name_, [&] { return info_.create(); }));
  if (!object) return error("the .create of type '{}' returned no object", name_);
  if (!checked_instance_) [[unlikely]] {
    if (auto r = check_instance(*object); !r) return failure(r);
  }
  object->class_ = this;
  for (const Property* property : with_default_) {
    InputVisitor visitor(property->default_value());
    if (auto r = property->assign(*object, visitor); !r) {
      r.error().prepend(fmt::format("type '{}' has a default that it refuses: ", name_));
      return failure(r);
    }
  }
  for (const auto hook : init_hooks_) callback("instance_init of type", name_, [&] { hook(*object); });
  if (auto r = detail::apply_global_defaults(*object); !r) return failure(r);
  for (const auto hook : post_init_hooks_) {
    callback("instance_post_init of type", name_, [&] { hook(*object); });
  }
  return object;
}

void ObjectClass::finalize(Object& object) const {
  for (const auto hook : std::views::reverse(finalize_hooks_)) {
    callback("instance_finalize of type", name_, [&] { hook(object); });
  }
}

}  // namespace qomio
