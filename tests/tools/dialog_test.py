# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: dialog_test.py DOCUMENT PROGRAM

Has the dialog in the document's blocks ```qmp with the program, which speaks QMP on standard input and output: sends what
follows "->" and checks that the replies are what follows "<-". A line that begins with a space continues the previous one.
"""
import json
import re
import subprocess
import sys


def main(document, program):
    text = open(document, encoding="utf-8").read()
    lines = "".join(re.findall(r"^```qmp\n(.*?)^```$", text, re.M | re.S)).replace("\n ", " ").splitlines()
    if not lines:
        sys.exit(f"{document} has no dialog")
    requests = [json.loads(line[2:]) for line in lines if line.startswith("->")]
    shown = [json.loads(line[2:]) for line in lines if line.startswith("<-")]
    requests = [{"execute": "qmp_capabilities"}, *requests, {"execute": "quit"}]
    run = subprocess.run([program], input="".join(json.dumps(r) + "\n" for r in requests), capture_output=True, text=True,
                         check=True, timeout=60)
    print(run.stdout)
    replies = [json.loads(line) for line in run.stdout.splitlines()]
    replies = [reply for reply in replies if "QMP" not in reply and "event" not in reply]
    replies = replies[1:-1]  # without those of qmp_capabilities and quit
    for expected, got in zip(shown, replies):
        if list(expected.items()) != list(got.items()):
            sys.exit(f"shown: {expected}\ngot:   {got}")
    if len(shown) != len(replies):
        sys.exit(f"{len(shown)} replies are shown, {len(replies)} came")


if __name__ == "__main__":
    main(*sys.argv[1:])
