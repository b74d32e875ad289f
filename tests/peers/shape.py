#!/usr/bin/env python3
"""Is weir's output of zbctl's shape? Usage: shape.py ZBCTLS WEIRS, two files.

Texts must be the same but for the digits of keys. JSON must have all members of zbctl's, at the same place and of the
same type; newer ones may come on top (zbctl is of 8.4). Both are indented by two blanks.
"""
import json
import re
import sys


def shape(value, path=""):
    """Every member with the type of its value; of a list its elements' members together."""
    if isinstance(value, dict):
        return {f"{path}.{name} {type(below).__name__}" for name, below in value.items()}.union(
            *(shape(below, f"{path}.{name}") for name, below in value.items()))
    if isinstance(value, list):
        return set().union(*(shape(element, path + "[]") for element in value))
    return set()


def document(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def main():
    theirs, ours = (open(name, encoding="utf-8").read() for name in sys.argv[1:3])
    wanted, got = document(theirs), document(ours)
    if wanted is None:
        theirs, ours = (re.sub(r"\d{16,}", "KEY", text) for text in (theirs, ours))
        return f"zbctl says {theirs!r}, weir {ours!r}" if theirs != ours else None
    if got is None:
        return f"no JSON: {ours!r}"
    missing = shape(wanted) - shape(got)
    if missing:
        return "not there: " + ", ".join(sorted(missing))
    if wanted and not ours.startswith('{\n  "'):
        return f"not indented as zbctl's: {ours[:40]!r}"
    return None


fault = main()
print(fault or "")
sys.exit(1 if fault else 0)
