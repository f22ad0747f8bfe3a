# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: qmp_examples_test.py QOMIOD PAGE MODULE

Runs the examples of docs/QMP.md, each against a new `qomiod --qmp stdio --object iothread,id=io0` whose working directory
holds MODULE as greeter.so. In a block of code, lines that begin with "->" are sent, and lines that begin with "<-" must
match the replies; a line that begins with a space continues the previous one. Every command must have an example.

- A block that does not begin with the greeting is run after capabilities negotiation.
- `...` as the last item of an array or object stands for any further items. In such an array the items shown must
  occur in their order.
- Members that `<!-- varies: NAME... -->` before the block names, and the timestamp of events, may have any value of the
  same JSON type.
- A line "<- (end)" stands for the end of the connection.
"""
import json
import os
import re
import select
import subprocess
import sys
import tempfile

qomiod, page, module = sys.argv[1:]
TIMEOUT_S = 60
MORE = "..."


def parse(text):
    """Parses JSON that may contain `...`, as described above."""
    text = re.sub(r"\.\.\.(?=\s*\])", '"..."', text)
    return json.loads(re.sub(r"\.\.\.(?=\s*\})", '"...": null', text))


def matches(shown, got, varying):
    if type(shown) is not type(got):
        return False
    if isinstance(shown, dict):
        names = [name for name in shown if name != MORE]
        if MORE not in shown and set(names) != set(got):
            return False
        return all(name in got and (name in varying and type(shown[name]) is type(got[name]) or
                                    matches(shown[name], got[name], varying)) for name in names)
    if isinstance(shown, list):
        if not shown or shown[-1] != MORE:
            return len(shown) == len(got) and all(matches(s, g, varying) for s, g in zip(shown, got))
        rest = iter(got)
        return all(any(matches(s, g, varying) for g in rest) for s in shown[:-1])
    return shown == got


class Server:
    def __init__(self, directory):
        self.process = subprocess.Popen([qomiod, "--qmp", "stdio", "--object", "iothread,id=io0"], cwd=directory,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def receive(self):
        """Returns the next line as JSON, or None at the end of the output."""
        if not select.select([self.process.stdout], [], [], TIMEOUT_S)[0]:
            raise TimeoutError("no answer")
        line = b""
        # Read byte by byte: a buffered reader could hold lines that select() does not see.
        while not line.endswith(b"\n"):
            byte = os.read(self.process.stdout.fileno(), 1)
            if not byte:
                return None
            line += byte
        return json.loads(line)

    def end(self):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait(TIMEOUT_S)
        self.process.stdout.close()


def run(block, varying, directory):
    """Runs the example in the block. Returns None, or the first difference as text."""
    items = re.findall(r"^(->|<-) (.*(?:\n .*)*)", block, re.M)
    server = Server(directory)
    try:
        if not (items[0][0] == "<-" and '"QMP"' in items[0][1]):
            server.receive()
            server.send('{"execute": "qmp_capabilities"}')
            server.receive()
        for direction, text in items:
            if direction == "->":
                server.send(" ".join(text.split("\n")))
                continue
            got = server.receive()
            if not (got is None if text == "(end)" else matches(parse(text), got, varying)):
                return f"expected:\n{text}\ngot:\n{json.dumps(got)}"
        return None
    finally:
        server.end()


def main():
    failures = []
    with open(page, encoding="utf-8") as file:
        text = file.read()
    shown = set()
    with tempfile.TemporaryDirectory() as directory:
        os.symlink(os.path.abspath(module), os.path.join(directory, "greeter.so"))
        for part in re.split(r"^(?=##)", text, flags=re.M):
            heading = part.split("\n")[0].strip("# ")
            for varies, block in re.findall(r"(?:^<!-- varies: (.*?) -->\n+)?^```\n(.*?)^```$", part, re.M | re.S):
                if re.search(r"^->.*\"execute\": \"" + re.escape(heading) + '"', block, re.M):
                    shown.add(heading)
                difference = run(block, {"timestamp", *varies.split()}, directory)
                if difference:
                    failures.append(f"{heading}: {difference}")
        server = Server(directory)
        server.receive()
        server.send('{"execute": "qmp_capabilities"}')
        server.receive()
        server.send('{"execute": "query-commands"}')
        commands = {command["name"] for command in server.receive()["return"]}
        server.end()
    failures += [f"{name}: has no example" for name in sorted(commands - shown)]
    if failures:
        sys.exit("\n\n".join(failures))


main()
