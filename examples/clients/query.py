#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one QMP command over a plain socket and prints what it returns. Needs no package.

usage: query.py SOCKET COMMAND [ARGUMENTS as JSON]"""
import json
import socket
import sys


class Qmp:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r", encoding="utf-8")  # one message a line
        self.greeting = json.loads(self.lines.readline())["QMP"]
        self.events = []
        self.execute("qmp_capabilities")

    def execute(self, command, arguments=None):
        request = {"execute": command}
        if arguments is not None:
            request["arguments"] = arguments
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        for line in self.lines:
            message = json.loads(line)
            if "event" in message:  # may come between request and reply
                self.events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{message['error']['class']}: {message['error']['desc']}")
            else:
                return message["return"]
        raise ConnectionError("the server has closed the connection")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        qmp = Qmp(sys.argv[1])
        result = qmp.execute(sys.argv[2], json.loads(sys.argv[3]) if len(sys.argv) == 4 else None)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(str(error))
    print(json.dumps(result, indent=4))


main()
