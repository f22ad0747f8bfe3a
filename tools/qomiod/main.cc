// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon: creates the objects of its command line and serves QMP until it is told to quit.
#include <fmt/format.h>
#include <glib.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "qomio/object/config.h"
#include "qomio/object/global_defaults.h"
#include "qomio/object/module.h"
#include "qomio/object/object_commands.h"
#include "qomio/qapi/introspection.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/keyval.h"
#include "qomio/qapi/standard_streams.h"
#include "qomio/qomio.h"
#include "qomio/tools/qomiod/log.h"
#include "qomio/tools/qomiod/options.h"
#include "qomio/tools/qomiod/qmp_socket.h"
#include "qomio/tools/qomiod/service.h"
#include "qomio/tools/qomiod/signals.h"

namespace {

using namespace qomio;

struct Help {
  std::string text;
};

// The properties in an --object option, and whether they are typed (JSON) or text.
struct ObjectOptions {
  Json values;
  Scalars scalars;
};

Result<std::variant<ObjectOptions, Help>> read_object(const std::string& typed) {
  if (typed.starts_with('{')) {
    auto json = parse_json(typed);
    if (!json) return failure(json);
    return ObjectOptions{std::move(*json), Scalars::typed};
  }
  auto keyval = parse_keyval(typed, "qom-type");
  if (!keyval) return failure(keyval);
  if (keyval->help) {
    const auto type = keyval->values.find("qom-type");
    const bool names_type = type != keyval->values.end() && type->is_string();
    auto text = names_type ? object_help(type->get_ref<const std::string&>()) : object_help();
    return Help{text ? *text : *object_help()};
  }
  return ObjectOptions{std::move(keyval->values), Scalars::text};
}

int complain(const char* program, const Error& error, std::string_view option = {},
             std::string_view value = {}) {
  const std::string where = option.empty() ? "" : fmt::format("{} {}: ", option, value);
  print_error(fmt::format("{}: {}{}\n", program, where, error.message()));
  if (!error.hint().empty()) print_error(error.hint() + "\n");
  return 1;
}

// Prints a text and returns the exit status of the program.
int show(const char* program, std::string_view text) {
  const auto printed = print_output(text);
  return printed ? 0 : complain(program, printed.error());
}

void log_debug(const char* what, const std::string& which) {
  g_log("qomio", G_LOG_LEVEL_INFO, "%s %s", what, which.c_str());
}

Result<void> answer_qmp(QmpServer& server, const std::string& typed, const ClosedStreams& closed) {
  const auto socket = qomiod::parse_qmp_socket(typed);
  if (!socket) return std::unexpected(socket.error());
  if (socket->kind == qomiod::QmpSocket::Kind::stdio) {
    if (closed.input) return error("standard input is closed");
    if (closed.output) return error("standard output is closed");
  }
  return qomiod::open_qmp_socket(server, *socket);
}

// Adds a --compat option to the policy of the earlier ones.
Result<void> read_compat(const std::string& typed, CompatPolicy& policy) {
  if (typed.starts_with('{')) {
    const auto json = parse_json(typed);
    if (!json) return std::unexpected(json.error());
    return update_from_json(policy, *json);
  }
  const auto keyval = parse_keyval(typed);
  if (!keyval) return std::unexpected(keyval.error());
  if (keyval->help) return error("Help is not available for this option");
  return update_from_json(policy, keyval->values, Scalars::text);
}

// Adds the containers in which QEMU keeps a machine's devices, since its clients look there. They stay empty.
void add_machine() {
  const Ref<Object> machine = *object_new("container");
  (void)object_root().add_child("machine", *machine);
  for (const char* name : {"peripheral", "peripheral-anon", "unattached"}) {
    (void)machine->add_child(name, **object_new("container"));
  }
}

int run(const char* program, const qomiod::Options& options, const ClosedStreams& closed) {
  auto main_loop = MainLoop::create();
  if (!main_loop) return complain(program, main_loop.error());
  register_iothread_types();
  CommandRegistry commands;
  add_object_commands(commands);
  add_iothread_commands(commands, *main_loop);
  add_machine();

  // At the end everything is destroyed in reverse order: clients first, then objects, newest
  // first, then the commands and the loop.
  const ObjectsCleanup cleanup;

  CompatPolicy policy;
  for (const auto& typed : options.compats) {
    if (auto read = read_compat(typed, policy); !read)
      return complain(program, read.error(), "--compat", typed);
  }
  commands.set_compat(policy);
  for (const auto& path : options.modules) {
    if (auto loaded = module_load(commands, path); !loaded)
      return complain(program, loaded.error(), "--module", path);
    log_debug("loaded module", path);
  }
  if (options.print_reference) {
    add_qmp_commands(commands);  // as QmpServer does
    return show(program, qmp_reference(commands));
  }
  for (const auto& typed : options.globals) {
    if (auto parsed = parse_global_default(typed); !parsed) {
      return complain(program, parsed.error(), "--global", typed);
    }
  }
  for (const auto& warning : global_default_warnings()) {
    g_log("qomio", G_LOG_LEVEL_WARNING, "%s", warning.c_str());
  }
  for (const auto& path : options.configs) {
    if (auto loaded = load_config_file(commands, path); !loaded) return complain(program, loaded.error());
    log_debug("made the objects of", path);
  }
  for (const auto& typed : options.objects) {
    auto read = read_object(typed);
    if (!read) return complain(program, read.error(), "--object", typed);
    if (const auto* help = std::get_if<Help>(&*read)) return show(program, help->text);
    const auto& object = std::get<ObjectOptions>(*read);
    if (auto made = user_creatable_add(object.values, object.scalars); !made) {
      return complain(program, made.error(), "--object", typed);
    }
    log_debug("made object", typed);
  }

  QmpServer server(commands, main_loop->g_main_context());
  server.limit_event_rate("IOTHREAD_STALL", "id");
  server.limit_event_rate("MAIN_LOOP_STALL");
  for (const auto& socket : options.qmp_sockets) {
    if (auto answering = answer_qmp(server, socket, closed); !answering) {
      return complain(program, answering.error(), "--qmp", socket);
    }
    log_debug("answering QMP on", socket);
  }
  qomiod::Service service(*main_loop);
  if (auto taken = qomiod::Service::take_sockets(server); !taken) return complain(program, taken.error());
  service.ready();
  return main_loop->run();
}

}  // namespace

int main(int argc, char** argv) {
  const auto closed = prepare_standard_streams();
  if (!closed) return complain(argv[0], closed.error());
  qomiod::set_up_signals();
  const auto options = qomiod::parse_options(argc, argv);
  if (!options) return complain(argv[0], options.error());
  if (options->help) return show(argv[0], qomiod::usage(argv[0]));
  if (options->version) return show(argv[0], fmt::format("qomiod {}\n", version_text()));
  if (auto ready = qomiod::set_up_log(options->log_level); !ready) {
    return complain(argv[0], ready.error(), "--log-level", options->log_level);
  }
  return run(argv[0], *options, *closed);
}
