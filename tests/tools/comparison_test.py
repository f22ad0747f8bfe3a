# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: comparison_test.py DOCUMENT

Checks that the document's tables give the number of lines that each source has, without blank lines, comments and
#include.
"""
import pathlib
import re
import sys

document = pathlib.Path(sys.argv[1])
rows = re.findall(r"\]\((\.\./examples/[^)]+)\) \| (\d+) \|", document.read_text(encoding="utf-8"))
assert len(rows) == 6, rows
for name, lines in rows:
    source = (document.parent / name).read_text(encoding="utf-8")
    counted = sum(not re.match(r"\s*//|\s*$|#include", line) for line in source.splitlines())
    assert counted == int(lines), f"{name} has {counted} lines, not {lines}"
