# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: tutorial_test.py DOCUMENT SOURCE [PROGRAM [SOURCE...]]

Checks that one of the sources contains each block of code (```cpp) of the document, line by line except for indentation,
and that the program prints exactly the blocks of output (```), in order.
"""
import re
import subprocess
import sys


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def stands_in(part, whole):
    return any(whole[i:i + len(part)] == part for i in range(len(whole)))


def main(document, source, program=None, *more_sources):
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", open(document, encoding="utf-8").read(), re.M | re.S)
    code = [lines(text) for kind, text in blocks if kind == "cpp"]
    output = [line for kind, text in blocks if not kind for line in lines(text)]
    if not code or bool(output) != bool(program):
        sys.exit(f"{document} has no code or no output")
    sources = [lines(open(name, encoding="utf-8").read()) for name in (source, *more_sources)]
    for part in code:
        if not any(stands_in(part, source_lines) for source_lines in sources):
            sys.exit("this code is in no source:\n" + "\n".join(part))
    if not program:
        return
    printed = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60).stdout
    if lines(printed) != output:
        sys.exit(f"the program prints:\n{printed}\nand not:\n" + "\n".join(output))


if __name__ == "__main__":
    main(*sys.argv[1:])
