#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the list of process-wide state in docs/ARCHITECTURE.md with the libraries. Fails if a library has a variable
that is not in the list, or the list names a variable that no library has.

usage: check_globals.py ARCHITECTURE.md LIBRARY...
"""
import re
import subprocess
import sys

# Names in writable memory that are not state of this project: constants that are initialised at first use, and variables
# from templates of other libraries.
CONSTANT = re.compile(
    r"guard variable for |^DW\.ref\.|^(std|tsl|fmt|nlohmann)::|::k[A-Z]\w*$"
    r"|^qomio::(internal::)?describe(_once)?<.*::description$|^qomio::\w+_type\(.*\)::types?$|::functions$"
)


def without_template_arguments(name):
    while (shorter := re.sub(r"<[^<>]*>", "<>", name)) != name and "<" in re.sub(r"<>", "", name):
        name = shorter
    return re.sub(r"<+>+", "", name)


def variables(library):
    """Yields the names of the variables in writable memory, as in source code: `TypeRegistry::latest_`."""
    table = subprocess.run(["objdump", "-tC", library], stdout=subprocess.PIPE, check=True, text=True).stdout
    for line in table.splitlines():
        # address, flags (d: only for debugging, such as section names), section, size, name
        found = re.match(r"[0-9a-f]+ (.{7}) (\.(?:t?bss|t?data)\S*)\s+[0-9a-f]+\s+(?:\.hidden )?(.+)$", line)
        if not found or found[2].startswith(".data.rel.ro") or "d" in found[1]:
            continue
        name = found[3]
        if CONSTANT.search(name):
            continue
        name = re.sub(r"\(anonymous namespace\)::", "", name)
        name = re.sub(r" \(\*?\)\([^()]*\)", "", name)  # function pointers among the arguments
        name = re.sub(r"\([^()]*\)( const)?", "()", without_template_arguments(name))
        yield name.removeprefix("qomio::").removeprefix("internal::")


def listed(page):
    text = open(page, encoding="utf-8").read()
    section = re.search(r"^## State of the process$(.*?)(?=^## )", text, re.M | re.S)[1]
    items = re.findall(r"^- (`.+?`(?:,\s+`.+?`)*): ", section, re.M)
    return {name for item in items for name in re.findall(r"`([^`]+)`", item)}


def main():
    page, *libraries = sys.argv[1:]
    present = {name for library in libraries for name in variables(library)}
    wanted = listed(page)
    for name in sorted(present - wanted):
        print(f"{page} does not list {name}")
    for name in sorted(wanted - present):
        print(f"{page} lists {name}, which is not there")
    sys.exit(present != wanted)


if __name__ == "__main__":
    main()
