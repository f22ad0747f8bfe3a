#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: tools/bench_page.py HEAD TABLES

Prints HEAD, then TABLES. In HEAD, {{SECTION|ROW|COLUMN|UNIT}} becomes a number from the table in section "### SECTION", with
two digits (an integer from 100 on) and UNIT: µs (from ns or µs), ns, or empty. ROW/OTHER and × give a quotient of two rows.
"""
import re
import sys


def table(text, section):
    match = re.search(rf"^### {re.escape(section)}\n+((?:\|.*\n)+)", text, re.M)
    if not match:
        return None
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in match[1].splitlines()]
    return lines[0], {line[0]: line[1:] for line in lines[2:]}


def two_digits(value):
    text = f"{value:.2g}"
    return f"{float(text):.0f}" if "e" in text else text


def figure(text, place):
    section, rows, column, unit = place.split("|")
    found = table(text, section)
    if not found:
        return "(not measured)"
    columns, values = found
    try:
        numbers = [float(values[row][columns.index(column) - 1]) for row in rows.split("/")]
    except KeyError:
        return "(not measured)"
    if len(numbers) == 2:
        return f"{numbers[0] / numbers[1]:.2f} ×" if numbers[0] < 2 * numbers[1] else f"{numbers[0] / numbers[1]:.1f} ×"
    value = numbers[0] / 1000 if unit == "µs" and column.endswith("ns") else numbers[0]
    return f"{value:.0f}{' ' * bool(unit)}{unit}" if value >= 100 else f"{two_digits(value)}{' ' * bool(unit)}{unit}"


def main(head_path, tables_path):
    with open(head_path, encoding="utf-8") as file:
        head = file.read()
    with open(tables_path, encoding="utf-8") as file:
        tables = file.read()
    sys.stdout.write(re.sub(r"\{\{(.*?)\}\}", lambda match: figure(tables, match[1]), head) + tables)


main(*sys.argv[1:])
