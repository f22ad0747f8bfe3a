#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: tools/qmp_reference.py QOMIOD HEAD EXAMPLES >docs/QMP.md

Prints docs/QMP.md: the file HEAD, then the output of `qomiod --print-qmp-reference` from "## Commands" on. Each section
"### NAME" of EXAMPLES is appended to the section with the same name.
"""
import re
import subprocess
import sys

qomiod, head, examples = sys.argv[1:]


def sections(text):
    """Returns the text before the first "### NAME", and a list of (NAME, text below that line)."""
    first, *parts = re.split(r"^### (.+)\n", text, flags=re.M)
    return first, list(zip(parts[::2], parts[1::2]))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


printed = subprocess.run([qomiod, "--print-qmp-reference"], capture_output=True, text=True, check=True, timeout=60).stdout
example_of = {name: text.strip("\n") for name, text in sections(read(examples))[1]}
page = [read(head).rstrip("\n") + "\n\n"]
reference = sections(printed[printed.index("## Commands\n"):])
page.append(reference[0])
for name, text in reference[1]:
    example = example_of.pop(name, None)
    if example is not None:
        # A chapter heading may follow the section.
        body, chapter, rest = re.fullmatch(r"(.*?)(^## |\Z)(.*)", text, re.M | re.S).groups()
        text = f"{body.rstrip()}\n\n{example}\n\n{chapter}{rest}"
        if not (chapter or rest):
            text = text.rstrip("\n") + "\n\n"
    page.append(f"### {name}\n{text}")
if example_of:
    sys.exit(f"{examples} describes what qomiod does not offer: {', '.join(example_of)}")
sys.stdout.write("".join(page).rstrip("\n") + "\n")
