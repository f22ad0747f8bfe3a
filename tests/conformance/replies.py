# SPDX-License-Identifier: GPL-2.0-or-later
"""Normalises replies so that they can be compared: replaces times, versions and thread IDs, sorts rows whose order is
not defined, and resolves the masked names of the introspection."""
import hashlib
import json


def is_event(reply):
    return isinstance(reply, dict) and "timestamp" in reply


def normal(raw, case):
    deep = b"[" * 200 in raw or b'{"a": ' * 200 in raw
    try:
        reply = f"<deep {len(raw) + 1}>" if deep else json.loads(raw, parse_constant=lambda word: f"<const {word}>")
    except (ValueError, RecursionError):
        return {"unparsable": raw[:200].decode("latin-1")}
    if isinstance(reply, dict):
        reply = short(members(reply, case))
    if case.get("framing"):
        return {"message": reply, "end": "CRLF" if raw.endswith(b"\r") else "LF", "ascii": raw.isascii()}
    return reply


def members(reply, case):
    if "QMP" in reply:
        reply["QMP"]["version"] = version(reply["QMP"].get("version"))
    if "timestamp" in reply and whole_numbers(reply["timestamp"], ["microseconds", "seconds"]):
        reply["timestamp"] = "<time>"
    value = reply.get("return")
    if isinstance(value, dict) and "qemu" in value:
        reply["return"] = version(value)
    elif isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        reply["return"] = rows(value, case)
    return reply


def rows(value, case):
    if all("meta-type" in row for row in value):
        return schema(value, case.get("schema"))
    if all("thread-id" in row for row in value):
        value = [row | ({"thread-id": "<thread>"} if row["thread-id"] > 0 else {}) for row in value]
        return value if case.get("order") else sorted(value, key=lambda row: row["id"])
    if all("name" in row for row in value):
        kept = [row for row in value if row["name"] in case.get("keep", [row["name"]])]
        return sorted(kept, key=lambda row: row["name"])
    return value


def version(value):
    if whole_numbers(value.get("qemu"), ["major", "micro", "minor"]) and isinstance(value.get("package"), str):
        return {"qemu": "<version>", "package": "<text>"}
    return value


def whole_numbers(value, keys):
    return isinstance(value, dict) and sorted(value) == keys and all(type(v) is int for v in value.values())


def short(value):
    """Replaces each very long text by its length and a hash."""
    if isinstance(value, str) and len(value) > 2000:
        return f"<str {len(value)} {hashlib.sha1(value.encode('utf-8', 'surrogatepass')).hexdigest()}>"
    if isinstance(value, list):
        return [short(item) for item in value]
    if isinstance(value, dict):
        return {short(key): short(item) for key, item in value.items()}
    return value


def schema(entries, wanted):
    """Describes the entries named in wanted. For "wellformed": duplicate names, unresolved references, meta-types."""
    named = {entry["name"]: entry for entry in entries}
    if wanted == "wellformed":
        names = [entry["name"] for entry in entries]
        return {"doubled": sorted({n for n in names if names.count(n) > 1}),
                "unresolved": sorted(references(entries) - set(names)),
                "meta-types": sorted({entry["meta-type"] for entry in entries} - {"alternate"})}
    return {name: described(named, name) for name in wanted or []}


def references(entries):
    found = set()
    for entry in entries:
        found |= {entry[key] for key in ("arg-type", "ret-type", "element-type") if key in entry}
        if entry["meta-type"] in ("object", "alternate"):
            found |= {part["type"] for part in entry["members"] + entry.get("variants", [])}
    return found


def described(named, name):
    entry = named.get(name)
    if entry is None:
        return None
    if entry["meta-type"] == "command":
        return {"meta-type": "command", "arg": resolved(named, entry["arg-type"]),
                "ret": resolved(named, entry["ret-type"]), "allow-oob": entry.get("allow-oob", False),
                "features": sorted(entry.get("features", []))}
    if entry["meta-type"] == "event":
        return {"meta-type": "event", "arg": resolved(named, entry["arg-type"])}
    return {"meta-type": entry["meta-type"], "is": resolved(named, name)}


def resolved(named, name, inside=()):
    """Returns a type with everything it refers to. Of the user-creatable types, includes only iothread."""
    if name in inside:
        return "<recursive>"
    entry = named[name]
    inside += (name,)
    kind = entry["meta-type"]
    if kind == "builtin":
        return {"builtin": entry["json-type"], "name": name}
    if kind == "enum":
        values = sorted(entry["values"])
        return {"enum": ["iothread"] if "iothread" in values else values}
    if kind == "array":
        return {"array": resolved(named, entry["element-type"], inside)}
    if kind == "alternate":
        return {"alternate": [resolved(named, part["type"], inside) for part in entry["members"]]}
    view = {"object": {part["name"]: {"type": resolved(named, part["type"], inside), "optional": "default" in part}
                       for part in entry["members"]}}
    if "tag" in entry:
        variants = entry["variants"]
        if any(variant["case"] == "iothread" for variant in variants):
            variants = [variant for variant in variants if variant["case"] == "iothread"]
        view |= {"tag": entry["tag"],
                 "variants": {variant["case"]: resolved(named, variant["type"], inside) for variant in variants}}
    return view


def alike(wanted, got):
    """Returns whether got matches wanted. Below "return", got may have more members and rows. 1, 1.0, true differ."""
    if isinstance(wanted, list) and isinstance(got, list):
        return len(wanted) == len(got) and all(alike(w, g) for w, g in zip(wanted, got))
    if isinstance(wanted, dict) and isinstance(got, dict):
        return wanted.keys() == got.keys() and all(
            within(wanted[key], got[key]) if key == "return" else alike(wanted[key], got[key]) for key in wanted)
    return type(wanted) is type(got) and wanted == got


def within(wanted, got):
    if isinstance(wanted, dict) and isinstance(got, dict):
        return all(key in got and within(wanted[key], got[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(got, list):
        if wanted and all(isinstance(row, dict) and "name" in row for row in wanted + got):
            names = {row["name"] for row in wanted}
            got = [row for row in got if row["name"] in names]
        elif wanted and all(isinstance(row, str) for row in wanted + got):
            got = [row for row in got if row in set(wanted)]
        return len(wanted) == len(got) and all(within(w, g) for w, g in zip(wanted, got))
    return type(wanted) is type(got) and wanted == got
