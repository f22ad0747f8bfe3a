#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds and installs the library as a shared one, runs the programs with it, builds the embedding example with it, and
checks that it exports no internal class and just the functions that cmake/exported_symbols.txt lists.

usage: shared_library_test.py SOURCE BUILD COMPILER"""
import os
import pathlib
import re
import shutil
import subprocess
import sys


def run(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, **more)


def internal_classes(source):
    """Yields the classes that headers below internal/ define, except the headers that are installed."""
    installed = (source / "cmake/internal_headers.txt").read_text().split()
    for folder in ("qapi", "object", "iothread"):
        for header in (source / folder / "internal").rglob("*.h"):
            if str(header.relative_to(source)) not in installed:
                yield from re.findall(r"^(?:class|struct) (\w+)[^;]*\{", header.read_text(), re.MULTILINE)


def main():
    source, build, compiler = map(pathlib.Path, sys.argv[1:])
    prefix = build / "prefix"
    shutil.rmtree(prefix, ignore_errors=True)
    # A unity build without optimisation is faster, and gives the same result in this test.
    run("cmake", "-G", "Ninja", "-S", source, "-B", build / "library", f"-DCMAKE_CXX_COMPILER={compiler}",
        "-DBUILD_SHARED_LIBS=ON", "-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=0",
        "-DQOMIO_BUILD_TOOLS=ON", "-DQOMIO_BUILD_TESTS=OFF", "-DCMAKE_INSTALL_LIBDIR=lib")
    run("cmake", "--build", build / "library")
    run("cmake", "--install", build / "library", "--prefix", prefix)

    libraries = {**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib")}
    for program in ("qomiod", "qomctl"):
        run(prefix / "bin" / program, "--version", env=libraries)

    listed = run("nm", "--dynamic", "--defined-only", "--demangle", prefix / "lib/libqomio.so", stdout=subprocess.PIPE)
    assert "fmt::" not in listed.stdout.decode()
    # Not W and V (weak): templates and inline functions, of which programs have their own copies.
    exported = set(re.findall(r"^[0-9a-f]+ [^WV] (?:\w+ (?:name )?for )?(qomio::(?:\w+::)*\w+)", listed.stdout.decode(), re.MULTILINE))
    words = [set(name.split("::")) for name in exported]
    assert all(any(word in names for names in words) for word in ("Object", "AioContext", "QmpServer", "register_type"))
    hidden = set(internal_classes(source))
    assert {"JsonParser", "Loop"} <= hidden, "the headers are read"
    wrong = {name for name in exported if hidden & set(name.split("::"))}
    assert not wrong, f"of internal classes: {sorted(wrong)}"
    # Each exported name, or the class that it belongs to, must be in an installed header.
    api = set()
    for header in (prefix / "include/qomio").rglob("*.h"):
        api |= set(re.findall(r"\w+", header.read_text()))
    wrong = {name for name in exported if re.sub(r"^qomio::(internal::)?(\w+).*", r"\2", name) not in api}
    assert not wrong, f"in no installed header: {sorted(wrong)}"

    # The same names without weak symbols, which depend on the compiler. A change of the list is a change of the interface.
    symbols = sorted(set(re.findall(r"^[0-9a-f]+ [^WVu] (.*)", listed.stdout.decode(), re.MULTILINE)))
    (build / "exported_symbols.txt").write_text("".join(symbol + "\n" for symbol in symbols))
    agreed = source / "cmake/exported_symbols.txt"
    if subprocess.run(["diff", "-u", agreed, build / "exported_symbols.txt"]).returncode != 0:
        sys.exit(f"The interface changed. If that is meant: cp {build}/exported_symbols.txt {agreed}")

    run("cmake", "-G", "Ninja", "-S", source / "examples/embed", "-B", build / "embed", f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build / "embed")


main()
