#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compiles, for each public header, a file that only includes it, twice, and prints what that costs: CPU seconds and
memory at -O0. Fails if a header does not compile.

usage: header_costs.py [--output FILE] SOURCE-ROOT COMPILER [FLAG...]
"""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile


def public_headers(root):
    folders = ("qapi", "object", "iothread")
    return [h.relative_to(root) for folder in folders for h in sorted((root / folder).glob("*.h"))] + [
        pathlib.Path("qomio.h")
    ]


def cost(command):
    """Runs a command; returns its status, CPU seconds and MB of memory. Its messages go to standard error."""
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("compiler", nargs=argparse.REMAINDER)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:

        def cost_of(header):
            source = pathlib.Path(folder) / (str(header).replace("/", "-") + ".cc")
            source.write_text(f'#include "qomio/{header}"\n' * 2)
            return cost([*options.compiler, "-std=c++23", "-O0", "-fsyntax-only", str(source)])

        headers = public_headers(options.root)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            costs = dict(zip(headers, pool.map(cost_of, headers)))
    lines = [f"{'header':<32} {'CPU s':>6} {'MB':>5}"]
    lines += [f"{str(header):<32} {seconds:>6.2f} {memory:>5.0f}" for header, (_, seconds, memory) in costs.items()]
    broken = [str(header) for header, (status, _, _) in costs.items() if status != 0]
    table = "\n".join(lines) + "\n"
    print(table, end="")
    if options.output:
        options.output.write_text(table)
    if broken:
        sys.exit("do not compile alone: " + ", ".join(broken))


if __name__ == "__main__":
    main()
