#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: text_values_test.py QOMIOD QOMCTL — tests for each property of each user-creatable type that a text means the
# same to qomctl set and add, --object and --config, and that get shows such a text.
import contextlib, json, os, socket, subprocess, sys, tempfile, time

qomiod, qomctl = sys.argv[1:3]
folder = tempfile.TemporaryDirectory()
SOCKET = folder.name + "/qmp"
SOLE = "main-loop"  # a type of which only one object can exist


def client(*words):
    ended = subprocess.run([qomctl, "--timeout", "60", "--wait", "-s", SOCKET, *words], stdin=subprocess.DEVNULL, text=True,
                           capture_output=True)
    return ended.returncode, ended.stdout, ended.stderr.removeprefix("qomctl: ").removesuffix("\n")


def done(*words):
    status, out, err = client(*words)
    if status != 0:
        sys.exit(f"qomctl {words}: {err}")
    return out


class Qmp:
    """A QMP connection for requests that are not under test."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        while self.socket.connect_ex(SOCKET) != 0:  # the file exists before the daemon listens
            time.sleep(0.002)
        self.lines = self.socket.makefile("rb")
        self.lines.readline()
        self.run("qmp_capabilities")

    def run(self, command, **arguments):
        arguments = {name.replace("_", "-"): value for name, value in arguments.items()}
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while "event" in (reply := json.loads(self.lines.readline())):
            pass
        if "return" not in reply:
            sys.exit(f"{command} {arguments}: {reply}")
        return reply["return"]

    def get(self, name, property):
        return self.run("qom-get", path=name, property=property)


def with_daemon(options, work):
    """Returns work(qmp) on a daemon with these options and "", or None and its message if it refuses them."""
    daemon = subprocess.Popen([qomiod, "--log-level", "error", *options, "--qmp", "unix:" + SOCKET], text=True,
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    # The daemon ends if it refuses the options; otherwise it creates the socket.
    while not os.path.exists(SOCKET) and daemon.poll() is None:
        try:
            daemon.wait(0.002)
        except subprocess.TimeoutExpired:
            pass
    if daemon.poll() is not None:
        return None, daemon.stderr.read()
    try:
        result = work(Qmp())
        done("quit")
        if daemon.wait() != 0:
            sys.exit("qomiod failed: " + daemon.stderr.read())
        return result, ""
    finally:
        daemon.kill()
        daemon.stderr.close()


def texts_for(property, schema):
    """Returns texts to try: edge cases of each kind of value, the property's bounds, and its enum values."""
    texts = ["", "0", "010", "0x10", "-1", "0,0", "0-0", "0 ", "on", "true", "x", "[0]", "1e1", "4K", "99999999999999999999"]
    texts += [json.dumps(property[end]) for end in ("minimum", "maximum") if end in property]
    return texts + schema.get(property["name"], [])


@contextlib.contextmanager
def made(qmp, type_name):
    """Creates an object 'a' of this type and deletes it at the end of the with-block."""
    qmp.run("object-add", qom_type=type_name, id="a")
    yield
    qmp.run("object-del", id="a")


def enum_words(qmp):
    """Returns {property: its enum values} for all arguments of object-add."""
    schema = {entity["name"]: entity for entity in qmp.run("query-qmp-schema")}
    words = {}
    options = schema[schema["object-add"]["arg-type"]]
    for variant in options["variants"]:
        for member in schema[variant["type"]]["members"]:
            words[member["name"]] = schema[member["type"]].get("values", [])
    return words


def shown(name, property):
    return done("get", name, property).removesuffix("\n")


def try_property(qmp, type_name, name, texts):
    """Yields (type, property, text, value) for each text; the value is None if the text is refused."""
    with made(qmp, type_name):
        usual = shown("a", name)
        live = client("set", "a", f"{name}={usual}")[0] == 0
    for text in [usual, *texts]:
        status, _, err = client("add", type_name, "a", f"{name}={text}")
        if status != 0:
            with made(qmp, type_name):
                refused = client("set", "a", f"{name}={text}")
            if refused[0] != 1 or (live and refused[2] != err):
                sys.exit(f"add says {err!r} to {name}={text!r}, set says {refused}")
            yield type_name, name, text, None
            continue
        value = qmp.get("a", name)
        again = shown("a", name)
        qmp.run("object-del", id="a")
        done("add", type_name, "a", f"{name}={again}")
        ways = [("add of what get shows", qmp.get("a", name))]
        qmp.run("object-del", id="a")
        if live:
            with made(qmp, type_name):
                for words in ["a", name, text], ["a", f"{name}={again}"]:
                    done("set", *words)
                    ways.append((words, qmp.get("a", name)))
        for way, got in ways:
            if got != value:
                sys.exit(f"{type_name}.{name}: {text!r} is {value!r} with add, but {got!r} with {way}")
        yield type_name, name, text, value


def try_sole(qmp, property, texts):
    """The same for SOLE, whose only object cannot be deleted. Yields only its usual value and "010"."""
    name = property["name"]
    if not any(member["name"] == "sole" for member in qmp.run("qom-list", path="/objects")):
        done("add", SOLE, "sole")
    usual = shown("sole", name)
    for text in [usual, *texts]:
        if client("set", "sole", f"{name}={text}")[0] == 0:
            value = qmp.get("sole", name)
            done("set", "sole", name, shown("sole", name))
            if qmp.get("sole", name) != value:
                sys.exit(f"{SOLE}.{name}: what get shows of {text!r} means something else")
            if text in ("010", usual):
                yield SOLE, name, text, value
    done("set", "sole", f"{name}={usual}")


def work(qmp):
    schema = enum_words(qmp)
    cases = []
    for type_info in qmp.run("qom-list-types", implements="user-creatable"):
        type_name = type_info["name"]
        for property in qmp.run("qom-list-properties", typename=type_name):
            if property["writable"] and type_name == SOLE:
                cases += try_sole(qmp, property, texts_for(property, schema))
            elif property["writable"]:
                cases += try_property(qmp, type_name, property["name"], texts_for(property, schema))
    return cases


def check_command_line(cases):
    """Checks all accepted texts, one object each, in as few daemons as possible, and one refused text per property."""
    batches, refused = [[]], {}
    for type_name, name, text, value in cases:
        typed = f"{type_name},id=OBJECT,{name}={text.replace(',', ',,')}"
        if value is None:
            refused.setdefault((type_name, name), typed)
            continue
        alone = type_name == SOLE
        if alone:
            batches.append([])
        batches[-1 if alone else 0].append((typed, name, value))
    for batch in batches:
        check_batch(batch)
    for typed in refused.values():
        if with_daemon(["--object", typed], lambda qmp: None)[1] == "":
            sys.exit(f"--object {typed} is taken, add refuses it")


def check_batch(batch):
    def compare(qmp):
        for i, (typed, name, value) in enumerate(batch):
            if (got := qmp.get(f"o{i}", name)) != value:
                sys.exit(f"--object {typed} gives {got!r}, add gives {value!r}")
        return done("--json", "query-config")

    options = []
    for i, (typed, _, _) in enumerate(batch):
        options += ["--object", typed.replace("OBJECT", f"o{i}")]
    config, err = with_daemon(options, compare)
    if config is None:
        sys.exit(err)
    path = folder.name + "/config"
    with open(path, "w") as file:
        file.write(config)
    again, err = with_daemon(["--config", path], compare)
    if again != config:
        sys.exit(f"--config makes something else of what query-config says: {err}{again}")


cases, err = with_daemon([], work)
if not cases or len({(case[0], case[1]) for case in cases}) < 12:
    sys.exit(f"no properties were tried: {err}")
check_command_line(cases)
