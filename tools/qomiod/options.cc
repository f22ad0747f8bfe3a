// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomiod/options.h"

#include <fmt/format.h>
#include <getopt.h>

#include <array>
#include <string>
#include <string_view>

#include "qomio/qapi/text.h"

namespace qomiod {
namespace {

enum Code : int {
  kHelp = 'h',
  kVersion = 'V',
  kQmp = 256,
  kObject,
  kModule,
  kGlobal,
  kLogLevel,
  kReference,
  kConfig,
  kCompat
};

constexpr std::array kOptions{
    option{"help", no_argument, nullptr, kHelp},
    option{"version", no_argument, nullptr, kVersion},
    option{"qmp", required_argument, nullptr, kQmp},
    option{"config", required_argument, nullptr, kConfig},
    option{"object", required_argument, nullptr, kObject},
    option{"module", required_argument, nullptr, kModule},
    option{"global", required_argument, nullptr, kGlobal},
    option{"compat", required_argument, nullptr, kCompat},
    option{"log-level", required_argument, nullptr, kLogLevel},
    option{"print-qmp-reference", no_argument, nullptr, kReference},
    option{nullptr, 0, nullptr, 0},
};

// Returns the character of a short option. It may have several bytes, of which optopt contains the first.
std::string option_letter(char** argv) {
  const auto first = static_cast<char>(optopt);
  for (const int index : {optind, optind - 1}) {
    const std::string_view word = argv[index] ? argv[index] : "";
    const auto at = word.find(first);
    if (at == std::string_view::npos) continue;
    return std::string(word.substr(at, qomio::utf8_decode(word.substr(at)).length));
  }
  return {first};
}

// Returns the error that getopt_long() would print itself, if it were not told to be silent.
qomio::Result<Options> refused(int code, char** argv) {
  const std::string typed = argv[optind - 1];
  if (code == ':') return qomio::error("option '{}' requires an argument", typed);
  if (typed.starts_with("--"))
    return qomio::error("unrecognized option '{}'", typed.substr(0, typed.find('=')));
  return qomio::error("invalid option -- '{}'", option_letter(argv));
}

}  // namespace

qomio::Result<Options> parse_options(int argc, char** argv) {
  Options options;
  optind = 0;  // restarts getopt_long() after an earlier call
  // '-': arguments that are not options return code 1; ':': a missing value returns ':' and prints nothing.
  for (int code; (code = getopt_long(argc, argv, "-:hV", kOptions.data(), nullptr)) != -1;) {
    switch (code) {
      case kHelp:
        options.help = true;
        break;
      case kVersion:
        options.version = true;
        break;
      case kQmp:
        options.qmp_sockets.emplace_back(optarg);
        break;
      case kObject:
        options.objects.emplace_back(optarg);
        break;
      case kModule:
        options.modules.emplace_back(optarg);
        break;
      case kGlobal:
        options.globals.emplace_back(optarg);
        break;
      case kCompat:
        options.compats.emplace_back(optarg);
        break;
      case kLogLevel:
        options.log_level = optarg;
        break;
      case kConfig:
        options.configs.emplace_back(optarg);
        break;
      case kReference:
        options.print_reference = true;
        break;
      case 1:
        return qomio::error("{}: Unexpected argument", optarg);
      default:
        return refused(code, argv);
    }
  }
  if (optind < argc) return qomio::error("{}: Unexpected argument", argv[optind]);
  return options;
}

std::string usage(std::string_view program) {
  return fmt::format(R"(Usage: {} [OPTION]...
Creates objects such as I/O threads, and serves QMP to control them.

  --qmp unix:PATH[,access=read-only]
                        serve QMP on a UNIX socket; with access=read-only only commands that
                        change nothing; may be repeated
  --qmp fd:N[,access=…] the same on an open descriptor: a listening or a connected socket
  --qmp stdio[,access=…]
                        serve QMP on standard input and output
  --object TYPE,id=ID[,PROP=VALUE]...
  --object '{{"qom-type": "TYPE", "id": "ID", ...}}'
                        create an object; may be repeated, in order
  --object help         list the types that can be created
  --object TYPE,help    list the properties of a type
  --config FILE         create the objects in a file, before those of --object; may be
                        repeated; the command query-config returns such a file
  --module PATH         load types from a shared object first; may be repeated
  --global TYPE.PROP=VALUE
                        set the default of a property, for all objects of a type
  --compat deprecated-input=accept|reject|crash,deprecated-output=accept|hide,
           unstable-input=accept|reject|crash,unstable-output=accept|hide
                        what to do when clients use a deprecated or unstable feature, and
                        whether to show it to them (default: accept all)
  --log-level LEVEL     trace, debug, info, warning, error, critical or off (default: info);
                        messages go to standard error
  --print-qmp-reference
                        print all commands, events and types as Markdown, and exit
  -h, --help            show this help and exit
  -V, --version         show the version and exit

The command quit, SIGTERM, SIGINT and SIGHUP shut the daemon down in order.
)",
                     program);
}

}  // namespace qomiod
