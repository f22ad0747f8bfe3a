#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks each #include against the order of the project:

- the folders: tools, examples, modules -> iothread -> object -> qapi;
- the components inside a folder: a file includes only components on its own line of ORDER or on an earlier line;
- tools/, examples/ and modules/ include public headers only: nothing below an internal/;
- a public header includes only the internal headers of cmake/internal_headers.txt, which are installed;
- headers of the project are named in full: "qomio/qapi/error.h".

usage: check_includes.py [SOURCE-ROOT]
"""
import fnmatch
import pathlib
import re
import sys

LIBRARIES = ("qapi", "object", "iothread")
USERS = ("tools", "examples", "modules")

# One line per level. Names are paths below the folder, without extension, and may contain wildcards.
ORDER = {
    "qapi": """
        internal/invariant internal/fmt internal/listener_list
        error
        file_descriptor standard_streams internal/main_thread
        text internal/utf8 internal/scalar
        member visitor value_traits
        internal/json/clear internal/schema/type_description internal/standard_values
        describe internal/describe_templates internal/enum_templates internal/value_checks internal/value_templates
        json
        internal/qmp/g_source
        internal/json/* internal/repeated_message internal/socket_lock internal/socket_options
        internal/unix_listening_socket
        keyval
        command
        session command_registry internal/compat
        internal/schema/schema
        introspection internal/schema/reference
        internal/qmp/*
        qmp_server
    """,
    # An object has a class, a class has properties, properties belong to objects, and objects report to their observers:
    # the four are one component.
    "object": """
        ref internal/is_instance internal/weak_list
        object object_properties hold property type observe internal/class_data internal/object_access internal/object_data internal/observers internal/value_property
        tree
        internal/deletion internal/global_list internal/property_batch internal/scalar_visitor
        object_new
        module
        user_creatable
        link alias internal/link_property
        config config_query global_defaults
        object_commands internal/object_events internal/text_commands
    """,
    "iothread": """
        loop_params internal/function_ref internal/clock internal/uring internal/refused_call internal/start_thread
        loop_stats internal/running_call
        internal/loop_counters internal/loop_lifetime internal/running_call_mark internal/poll_controller
        internal/shared_value internal/monitors/* internal/timer_heap internal/node_pool
        fd_handlers internal/waker internal/post_node
        internal/timer_list internal/post_queue internal/fd_handler_set internal/stall_log
        bottom_half timer internal/poller
        aio_context
        internal/awaited_calls internal/joining internal/owned_list internal/wait_list
        thread_pool file_io
        internal/loop internal/loop_iteration internal/loop_source
        cancellation
        coroutine internal/awaiter internal/fd_awaiter internal/task_promise
        concurrency internal/children
        coroutine_io
        internal/socket_address
        socket internal/socket_operation
        buffered_reader
        iothread
        internal/main_loop_watch
        main_loop
        stall_watch
        co_command iothread_commands internal/metrics_text
        testing
    """,
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def level(folder, component):
    for number, line in enumerate(ORDER[folder].strip().split("\n")):
        if any(fnmatch.fnmatchcase(component, pattern) for pattern in line.split()):
            return number
    return None


def includes(path):
    return [(quote, name) for quote, name in INCLUDE.findall(path.read_text())]


def problems_of(path, root, installed):
    relative = path.relative_to(root)
    folder = relative.parts[0]
    for quote, name in includes(path):
        if not name.startswith("qomio/"):
            if quote == '"' and not name.endswith(".moc"):  # moc writes these
                yield f'names "{name}": headers of the project are included as "qomio/FOLDER/NAME.h"'
            continue
        target = pathlib.PurePosixPath(name).relative_to("qomio")
        to = target.parts[0]
        if folder in LIBRARIES:
            if to not in LIBRARIES[: LIBRARIES.index(folder) + 1]:
                yield f"includes {target}: {folder}/ may not include that"
                continue
            is_public = path.suffix == ".h" and len(relative.parts) == 2
            if is_public and "internal" in target.parts and str(target) not in installed:
                yield f"includes {target}, which is internal and not in cmake/internal_headers.txt"
            if to == folder:
                own = level(folder, str(relative.with_suffix("").relative_to(folder)))
                other = level(folder, str(target.with_suffix("").relative_to(to)))
                if own is not None and other is not None and other > own:
                    yield f"includes {target}, which comes later in the order of {folder}/"
        elif folder in USERS:
            if to == "tests" or (to == "tools" and folder != "tools"):
                yield f"includes {target}: {folder}/ may not include that"
            if "internal" in target.parts:
                yield f"includes {target}, which is internal"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    listed = root / "cmake/internal_headers.txt"
    installed = set(listed.read_text().splitlines()) if listed.exists() else set()
    found = 0
    for folder in (*LIBRARIES, *USERS):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cc"):
                continue
            for problem in problems_of(path, root, installed):
                print(f"{path.relative_to(root)} {problem}")
                found += 1
            component = str(path.relative_to(root / folder).with_suffix(""))
            if folder in LIBRARIES and level(folder, component) is None:
                print(f"{path.relative_to(root)} has no place in the order: add it to ORDER in tools/check_includes.py")
                found += 1
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
