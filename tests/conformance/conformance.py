#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the cases of cases/*.json, each on a new server, and compares the replies. README.md describes the format.

    conformance.py --server 'qomiod --qmp unix:{sock} {objects}' [--real] [--record] [--jobs N] [WORD...]

Runs only the cases whose "theme/name" contains one of the WORDs. --real: the server is one of the programs that the
cases were recorded from. --record: writes the server's replies into the steps that have none yet.
Exits with 0 if all cases pass, with 1 if one fails or none is chosen, with 77 if the server isn't installed."""
import argparse
import glob
import json
import os
import shlex
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from replies import alike, normal
from server import Server

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases")
NEGOTIATE = '{"execute":"qmp_capabilities"}'


def load():
    """Returns {path: theme} for all case files."""
    return {path: json.load(open(path)) for path in sorted(glob.glob(os.path.join(CASES, "*.json")))}


def expected(step, real):
    """Returns the expected replies of a step, or None if none are recorded yet."""
    return step.get("real", step.get("expect")) if real else step.get("expect")


def play(case, command, real, record):
    """Runs one case. Returns None if it passes, otherwise what went wrong. With record, fills in missing replies."""
    with tempfile.TemporaryDirectory(prefix="qomio") as directory:
        with Server(command, directory, case.get("objects", [])) as server:
            return end(case, server) if "exits" in case else talk(case, server, real, record)


def end(case, server):
    """Checks a command line with which the server ends at once: it is refused or only prints something."""
    got = server.exited(case["exits"].get("only"))
    wanted = {key: value for key, value in case["exits"].items() if key != "only"}
    if alike(wanted, got) or (got["status"] == 0 and wanted["status"] == 0 and covers(wanted["stdout"], got["stdout"])):
        return None
    return f"expected {json.dumps(wanted)}\n  got      {json.dumps(got)}"


def covers(wanted, got):
    """Returns whether a help text lists all that the wanted one lists. It may list more, described differently."""
    words = lambda lines: [line.split(">")[0] for line in lines]
    return set(words(wanted)) <= set(words(got))


def talk(case, server, real, record):
    connection = server.connect()
    if connection is None:
        return "the server does not listen: " + " ".join(server.exited(None)["stderr"])
    greeting = [normal(raw, case) for raw in connection.replies(1)]
    if not greeting or "QMP" not in greeting[0].get("message", greeting[0]):
        return f"no greeting: {greeting}"
    if "greeting" in case and not alike(case["greeting"], greeting):
        return f"greeting: expected {json.dumps(case['greeting'])}\n  got      {json.dumps(greeting)}"
    steps = case["steps"]
    if case.get("negotiate", True):
        steps = [{"send": NEGOTIATE, "expect": [{"message": {"return": {}}, "end": "CRLF", "ascii": True}
                                                if case.get("framing") else {"return": {}}]}] + steps
    for number, step in enumerate(steps):
        connection = connection if "reconnect" not in step else server.connect()
        wanted = expected(step, real)
        got = connection.exchange(step["send"], wanted, case)
        if wanted is None:
            if not record:
                return f"step {number} has no replies yet: run with --record"
            step["expect"] = got
        elif not alike(graded(wanted, case, step is steps[-1]), graded(got, case, step is steps[-1])):
            return (f"step {number}: {json.dumps(step['send'])[:260]}\n  expected {json.dumps(wanted)[:700]}\n"
                    f"  got      {json.dumps(got)[:700]}")
    if case.get("ends"):
        return server.ended_well()
    return None


def graded(replies, case, is_last):
    """Returns the part of the replies that the grade of the case compares."""
    grade = case.get("grade", "exact")
    if grade == "exact" or (grade == "last" and is_last):
        return replies
    classes = [reply if isinstance(reply, str) else classed(reply.get("message", reply)) for reply in replies]
    return classes[:1] if grade == "last" else classes


def classed(reply):
    """Returns whether the reply is a success, an event or an error, the class of the error, and the id."""
    if "error" in reply:
        view = {"error": reply["error"]["class"]}
    else:
        view = {key: True for key in ("return", "event") if key in reply}
    return view | ({"id": reply["id"]} if "id" in reply else {})


def write(path, theme):
    with open(path, "w") as file:
        json.dump(theme, file, indent=1, ensure_ascii=True)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="the command; {sock} and {objects} are filled in")
    parser.add_argument("--command-line-server", help="another server, for the cases of the command line")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    commands = {False: options.server, True: options.command_line_server or options.server}
    for command in commands.values():
        if not shutil.which(shlex.split(command)[0]):
            print(f"skipped: {shlex.split(command)[0]} is not installed")
            return 77

    themes = load()
    chosen = [(theme, case) for theme in themes.values() for case in theme["cases"]
              if not options.words or any(word in f"{theme['theme']}/{case['name']}" for word in options.words)]

    def run(pair):
        theme, case = pair
        command = commands[theme["theme"] == "command-line"]
        # A case fails only if it fails twice: on a busy machine, a reply may come too late once.
        return play(case, command, options.real, options.record) and play(case, command, options.real, options.record)

    failed = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for (theme, case), problem in zip(chosen, pool.map(run, chosen)):
            if problem:
                failed += 1
                print(f"FAILED {theme['theme']}/{case['name']}\n  {problem}", flush=True)
    if options.record:
        for path, theme in themes.items():
            write(path, theme)
    print(f"{len(chosen) - failed} of {len(chosen)} cases pass")
    return 0 if chosen and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
