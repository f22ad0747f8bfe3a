// SPDX-License-Identifier: GPL-2.0-or-later
// qomctl: runs one command on a QMP server and prints the answer.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <cstdlib>
#include <memory>

#include "qomio/qapi/standard_streams.h"
#include "qomio/tools/qomctl/commands.h"
#include "qomio/tools/qomctl/printable.h"
#include "qomio/tools/qomctl/suggestion.h"
#include "qomio/tools/qomctl/timeout.h"

namespace {

using namespace qomio;
using namespace qomio::qomctl;

class UsageFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override {
    return "usage: qomctl [OPTIONS] COMMAND [WORDS…]\n";
  }
};

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

int report(const Failure& failure) {
  if (!failure.message.empty()) print_error(fmt::format("qomctl: {}\n", printable(failure.message)));
  return static_cast<int>(failure.status);
}

// Prints a text and returns the exit status of the program.
int show(const std::string& text) {
  const auto printed = print_output(text);
  return printed ? 0 : report({ExitStatus::no_output, printed.error().message()});
}

// Returns the command's words. A word that begins with "-" is an error, unless it is a number or follows
// "--".
Outcome<std::vector<std::string>> command_words(std::vector<std::string> rest) {
  const auto separator = std::ranges::find(rest, "--");
  for (auto word = rest.begin(); word != separator; ++word) {
    const bool is_option = word->size() > 1 && (*word)[0] == '-' && ((*word)[1] < '0' || (*word)[1] > '9');
    if (is_option) {
      return fail(ExitStatus::usage, "no option '{}'{}", *word,
                  did_you_mean(*word, {"--socket", "--json", "--timeout", "--trace", "--wait", "--help",
                                       "--version"}));
    }
  }
  if (separator != rest.end()) rest.erase(separator);
  return rest;
}

}  // namespace

int main(int argc, char** argv) {
  if (auto ready = prepare_standard_streams(); !ready) {
    return report({ExitStatus::no_output, ready.error().message()});
  }
  std::setlocale(LC_CTYPE, "");

  CLI::App app("Talks to a QMP server, qomiod or QEMU: one command, one answer.", "qomctl");
  std::string socket_path = environment("QOMIO_SOCKET");
  Output output;
  bool trace = false;
  bool wait_for_server = false;
  std::string timeout_text = "5";
  app.formatter(std::make_shared<UsageFormatter>());
  app.add_option("-s,--socket", socket_path, "the server's UNIX socket; without it, $QOMIO_SOCKET")
      ->type_name("PATH");
  app.add_flag("--json", output.json, "print results as JSON");
  app.add_flag("--trace", trace, "show what crosses the socket, on standard error");
  app.add_flag("--wait", wait_for_server,
               "wait until the server accepts connections, at most for the time-out");
  app.add_option("--timeout", timeout_text, "seconds to wait for each answer; 0 waits without limit [5]")
      ->type_name("SECONDS");
  app.set_version_flag("--version", "qomctl " QOMIO_VERSION);
  app.footer(
      "`qomctl help` lists the commands.\n"
      "Exit status: 0 done, 1 refused by the server, 2 usage, 3 no connection, 4 time-out,\n"
      "5 standard output could not be written.");
  app.allow_extras();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion& version) {
    return show(std::string(version.what()) + "\n");
  } catch (const CLI::Success&) {
    return show(app.help());
  } catch (const CLI::ParseError& error) {
    return report({ExitStatus::usage, error.what()});
  }

  const auto timeout = parse_timeout(timeout_text);
  if (!timeout) return report(timeout.error());
  auto words = command_words(app.remaining());
  if (!words) return report(words.error());
  if (words->empty()) return report({ExitStatus::usage, "no command; `qomctl help` lists them"});

  output.colour = isatty(STDOUT_FILENO) != 0 && environment("NO_COLOR").empty();
  Client client(std::move(socket_path),
                {.timeout = *timeout, .wait_for_server = wait_for_server, .trace = trace}, std::move(output));
  const auto outcome = run_command(client, *words);
  int status = 0;
  if (const std::string& reason = client.output().error(); !reason.empty()) {
    status = report({ExitStatus::no_output, reason});
  }
  return outcome ? status : report(outcome.error());
}
