#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks whether the tests notice mistakes. Makes mutants of source files, with one change each, builds them and runs
the tests of their folder. Prints each mutant that no test notices: a test is missing, or the code is not needed.

A change alters a comparison, swaps && and ||, + and -, or true and false, adds 1, negates an if, or drops a statement.

Works on a copy of the tree, build/mutants/tree, with its own debug build; does not change the tree itself. Each mutant
takes about a minute, so run it by hand:

    tests/mutants.py --count 20 iothread/internal/timer_list.cc
    tests/mutants.py --count 100 --seed 7          # from all three folders

usage: mutants.py [--count N] [--seed N] [--jobs N] [FILE...]
"""
import argparse
import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys

FOLDERS = ("qapi", "object", "iothread")
TEST_TIMEOUT_S = 300

# Patterns and their replacements. Each match in a line of code gives one mutant.
REPLACEMENTS = [
    (r"(?<=\s)<=(?=\s)", "<"),
    (r"(?<=\s)>=(?=\s)", ">"),
    (r"(?<=\s)<(?=\s)", "<="),
    (r"(?<=\s)>(?=\s)", ">="),
    (r"(?<=\s)==(?=\s)", "!="),
    (r"(?<=\s)!=(?=\s)", "=="),
    (r"(?<=\s)&&(?=\s)", "||"),
    (r"(?<=\s)\|\|(?=\s)", "&&"),
    (r"(?<=\s)\+(?=\s)", "-"),
    (r"(?<=\s)-(?=\s)", "+"),
    (r"(?<=[ (])([1-9][0-9]*)(?=[;,) ])", r"\1 + 1"),
    (r"(?<=if )\((?=[^;{}]*\)( return| \{|$))", "(!("),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
]
# A line that consists of a call, an assignment, an increment or a decrement.
STATEMENT = re.compile(r"^\s+(?!return\b|using\b|const\b|auto\b|static|case\b|break\b|continue\b|throw\b|goto\b)"
                       r"[\w:>.\-\[\]*&()+]+(\(.*\)| [-+|&]?= [^;]*|\+\+|--);$")


def code_lines(text):
    """Yields (index, line) of each line to mutate. Skips comments, directives, declarations and lines with literals."""
    in_block = False
    for number, line in enumerate(text.splitlines()):
        code = line.split("//")[0].rstrip()
        if in_block or "/*" in code:
            in_block = "*/" not in code
            continue
        if not code.strip() or code.lstrip().startswith(("#", "template", "static_assert", "namespace")):
            continue
        if '"' in code or "'" in code or "invariant(" in code:
            continue
        yield number, code


def mutants_of(path):
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    found = []
    for number, code in code_lines(text):
        is_constant = code.lstrip().startswith("constexpr")  # tests need not notice another size or time
        for pattern, replacement in [] if is_constant else REPLACEMENTS:
            for match in re.finditer(pattern, code):
                changed = code[: match.start()] + match.expand(replacement) + code[match.end() :]
                if replacement == "(!(":  # the condition must end with the line's last ')'; otherwise it won't compile
                    end = changed.rfind(")")
                    changed = changed[:end] + "))" + changed[end + 1 :]
                found.append((number, code.strip(), changed.strip(), changed))
        if STATEMENT.match(code):
            found.append((number, code.strip(), "(dropped)", ""))
    for number, before, after, new_line in found:
        whole = lines.copy()
        whole[number] = new_line + "\n"
        yield number + 1, before, after, "".join(whole)


class Copy:
    """A copy of the tree with its own build."""

    def __init__(self, root, jobs):
        self.tree = root / "build/mutants/tree"
        self.jobs = str(jobs)
        if self.tree.exists():
            shutil.rmtree(self.tree)
        self.tree.parent.mkdir(parents=True, exist_ok=True)
        files = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True).stdout
        for name in filter(None, files.split("\0")):
            source, target = root / name, self.tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_symlink():
                target.symlink_to(os.readlink(source))
            elif source.exists():
                shutil.copy2(source, target)
        self.build = self.tree / "build/debug"
        self.run(["cmake", "--preset", "debug"], check=True)

    def run(self, command, check=False, timeout=None):
        # A session of its own: a test that hangs is a child of ctest and would outlive it.
        with subprocess.Popen(command, cwd=self.tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True) as process:
            try:
                process.wait(timeout)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        if check and process.returncode != 0:
            raise subprocess.CalledProcessError(process.returncode, command)
        return process.returncode

    def builds(self, folder):
        return self.run(["cmake", "--build", "--preset", "debug", "--target", f"{folder}_test", "-j", self.jobs]) == 0

    def tests_pass(self, folder):
        try:
            return self.run(["ctest", "--preset", "debug", "-R", f"^{folder}/", "--stop-on-failure", "--timeout", "60",
                             "--parallel", self.jobs], timeout=TEST_TIMEOUT_S) == 0
        except subprocess.TimeoutExpired:
            return False


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()

    root = pathlib.Path(__file__).resolve().parent.parent
    files = options.files or [p.relative_to(root) for f in FOLDERS for p in sorted((root / f).rglob("*.cc"))]
    choice = [(file, mutant) for file in files for mutant in mutants_of(root / file)]
    random.Random(options.seed).shuffle(choice)

    copy = Copy(root, options.jobs)
    for folder in {file.parts[0] for file, _ in choice}:
        if not copy.builds(folder) or not copy.tests_pass(folder):
            sys.exit(f"the tests of {folder}/ do not pass without a mutant")

    found, survivors = 0, []
    for file, (line, before, after, text) in choice:
        if found + len(survivors) == options.count:
            break
        folder = file.parts[0]
        target = copy.tree / file
        original = target.read_text()
        target.write_text(text)
        try:
            if not copy.builds(folder):
                continue  # does not compile, so it does not count
            if copy.tests_pass(folder):
                survivors.append((file, line, before, after))
                print(f"survives: {file}:{line}: {before}  ->  {after}", flush=True)
            else:
                found += 1
                print(f"found:    {file}:{line}: {before}  ->  {after}", flush=True)
        finally:
            target.write_text(original)
    total = found + len(survivors)
    print(f"{found} of {total} mutants were found" + (f" ({100 * found // total} %)" if total else ""))


if __name__ == "__main__":
    main()
