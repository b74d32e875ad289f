#!/usr/bin/env python3
"""Every block of C in the documentation compiles. Usage: snippets.py SOURCE_FOLDER CC

A block with a main() is a program of its own; any other stands inside a function, after the declarations of a block
whose fence says `c context` in the same page.
"""
import os
import re
import subprocess
import sys

ROOT, CC = sys.argv[1], sys.argv[2]
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", "-Wno-unused-but-set-variable"]


def pages():
    yield "README.md"
    yield "CONTRIBUTING.md"
    for path, _, names in os.walk(os.path.join(ROOT, "docs")):
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(path, name), ROOT)


def program(block, context):
    if re.search(r"\bmain\s*\(", block):
        return block
    includes = "".join(line + "\n" for line in block.split("\n") if line.startswith("#include"))
    rest = "\n".join(line for line in block.split("\n") if not line.startswith("#include"))
    return f"#include <stdio.h>\n#include <string.h>\n#include <weir/weir.h>\n{includes}{context}\nvoid snippet(void);\nvoid snippet(void)\n{{\n{rest}\n}}\n"


def main():
    count = failed = 0
    for page in pages():
        with open(os.path.join(ROOT, page), encoding="utf-8") as stream:
            text = stream.read()
        context = "\n".join(re.findall(r"^```c context\n(.*?)^```", text, flags=re.M | re.S))
        for match in re.finditer(r"^```c\n(.*?)^```", text, flags=re.M | re.S):
            count += 1
            command = [CC, *WARNINGS, "-I" + os.path.join(ROOT, "include"), "-fsyntax-only", "-x", "c", "-"]
            result = subprocess.run(command, input=program(match.group(1), context), text=True, capture_output=True)
            if result.returncode:
                failed += 1
                line = text.count("\n", 0, match.start()) + 1
                print(f"{page}:{line}: does not compile\n{result.stderr}")
    print(f"{count} blocks, {failed} do not compile")
    sys.exit(bool(failed) or count == 0)


main()
