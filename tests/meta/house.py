#!/usr/bin/env python3
"""The rules of the house that a program can check. Usage: house.py SOURCE_FOLDER CHECK

Checks: includes, sizes, banned, tests, alone. There is no allow-list: what breaks a rule is changed.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import csource  # noqa: E402

ROOT = sys.argv[1]

# What each folder of src/ may include; a folder may always include itself and <weir/...>.
LAYERS = {
    "core": [],
    "io": ["core"],
    "http": ["io", "core"],
    "rpc": ["io", "core"],
    "credentials": ["http", "io", "core"],
    "zeebe": ["credentials", "rpc", "http", "io", "core"],
    "bayeux": ["credentials", "http", "io", "core"],
    "salesforce": ["bayeux", "credentials", "http", "io", "core"],
    "sandbox": ["bayeux", "zeebe", "credentials", "rpc", "http", "io", "core"],
    "cli": ["sandbox"],
}
# Where a library's headers may appear.
LIBRARIES = {
    r"curl/": ["http", "bench/events/floor"],
    r"nghttp2/": ["rpc", "sandbox"],
    r"protobuf-c|\.pb-c\.h": ["zeebe/codec", "sandbox"],
    r"openssl/": ["io", "credentials", "core/secret", "core/clock", "core/text", "sandbox/pki", "sandbox/token"],
    r"uv\.h": ["io", "rpc", "http", "sandbox"],
    r"expat\.h": ["sandbox/bpmn"],
    r"jansson": ["core", "credentials", "zeebe", "bayeux", "salesforce", "sandbox"],
    r"wslay/": ["bayeux/websocket", "bayeux/wslay", "sandbox/websocket"],
    r"sqlite3\.h": ["salesforce/store_sqlite", "salesforce/sqlite", "examples/changes"],
}
PUBLIC_ONLY = ("src/cli", "examples", "bench")


def files(folders, suffixes=(".c", ".h")):
    for folder in folders:
        for path, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(names):
                if name.endswith(suffixes):
                    full = os.path.join(path, name)
                    with open(full, encoding="utf-8", errors="replace") as stream:
                        yield os.path.relpath(full, ROOT), stream.read()


def check_includes():
    for path, text in files(["src", "include", "examples", "bench"]):
        for line, (quote, name) in enumerate_includes(text):
            complaint = include_complaint(path, quote, name)
            if complaint:
                yield f"{path}:{line}: {complaint}"


def enumerate_includes(text):
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
        if match:
            yield number, match.groups()


def include_complaint(path, quote, name):
    parts = path.split("/")
    library = next((rule for rule in LIBRARIES if re.match(rule, name) or re.search(rule + "$", name)), None)
    if library:
        if not any(path.startswith(("src/" + place, place)) for place in LIBRARIES[library]):
            return f"{name} belongs to {', '.join(LIBRARIES[library])} only"
        return None
    if quote == "<":
        return None
    folder = name.split("/")[0]
    if path.startswith("include/"):
        return "public headers include <weir/...> and the C library only"
    if not path.startswith("src/"):
        return "examples and benchmarks include <weir/...> only" if folder in LAYERS else None
    if "/" not in name:
        return f'"{name}" must name its folder, as in "core/buf.h"'
    allowed = LAYERS[parts[1]] + [parts[1]]
    return None if folder in allowed else f'{parts[1]} must not include {folder} ("{name}")'


def check_sizes():
    for path, text in files(["src", "include", "examples", "tests", "bench"]):
        lines = text.count("\n")
        limit = 200 if path.startswith("include/") else 600
        if lines > limit:
            yield f"{path}: {lines} lines, at most {limit}"
        for function in csource.functions(csource.blank(text)):
            where = f"{path}:{function.line}: {function.name}()"
            for what, value, most in (
                ("lines", function.lines, 60),
                ("parameters", function.parameters, 6),
                ("levels of nesting", function.nesting, 3),
                ("branches (cyclomatic complexity)", function.complexity, 12),
            ):
                if value > most:
                    yield f"{where} has {value} {what}, at most {most}"


BANNED = {
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|alloca)\s*\(": ([""], "use buf, text_number or memcpy"),
    r"\b(sleep|usleep|nanosleep)\s*\(": ([""], "wait on a condition with a deadline"),
    r"(?<![\w.>])(malloc|calloc|realloc|free|strdup|strndup|asprintf)\s*\(": (["src/core/mem.c"], "use core/mem"),
    r"(?<![\w.>])(time|rand|random|srand|clock_gettime|gettimeofday)\s*\(": (["src/core/clock.c", "src/cli/clock.c"], "use core/clock, in the program cli/clock"),
}


def check_banned():
    for path, raw in files(["src", "include", "examples"]):
        text = csource.blank(raw)
        for pattern, (places, advice) in BANNED.items():
            if path in places or (path.startswith(("src/cli", "examples")) and "malloc" in pattern):
                continue
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{path}:{line}: {match.group(0).rstrip('( ')} is banned: {advice}"
        yield from conditional_code(path, text)


def conditional_code(path, text):
    """#if inside a function."""
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("{"):
            inside = True
        elif line.startswith("}"):
            inside = False
        elif inside and re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b", line):
            yield f"{path}:{number}: conditional compilation inside a function"


def check_tests():
    """A test must be able to fail and must not wait for time to pass."""
    for path, raw in files(["tests"]):
        text = csource.blank(raw)
        for match in re.finditer(r"(?<!\w)(sleep|usleep|nanosleep|uv_sleep)\s*\(", text):
            yield f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match.group(1)} in a test"
    for path, raw in files(["tests", "scripts", ".ci"], ("", )):
        if path.endswith((".sh", "run", "demo", "test")) and re.search(r"^[^#]*\bsleep [0-9]", raw, flags=re.M):
            if not re.search(r"# polls", raw):
                yield f"{path}: sleep in a script that does not say what it '# polls'"


def check_alone():
    """The product stands alone: no path of a machine, no unfinished business."""
    pattern = re.compile(r"/work/|\.\./shared|/tmp/wt|\bTODO\b|\bFIXME\b|\bXXX\b")
    for path, text in files(["src", "include", "examples", "tests", "bench", "docs", "scripts", "cmake", ".ci"], ("", )):
        if "/corpus/" in path or path.endswith("meta/house.py"):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if pattern.search(line):
                yield f"{path}:{number}: {line.strip()[:80]}"


def main():
    complaints = list(globals()["check_" + sys.argv[2]]())
    print("\n".join(complaints) or f"{sys.argv[2]}: nothing to complain about")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
