#!/usr/bin/env python3
"""The checks of house.py find what they are for: each bad file below must be complained about."""
import os
import subprocess
import sys
import tempfile

HOUSE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "house.py")
LONG = "static void f(void)\n{\n" + "    x();\n" * 60 + "}\n"
DEEP = "static void f(int a)\n{\n    if (a) {\n        while (a) {\n            for (;;) {\n                if (a) {\n                    x();\n                }\n            }\n        }\n    }\n}\n"
BAD = {
    "includes": [
        ("src/core/a.c", '#include "rpc/rpc.h"\n'),
        ("src/core/a.c", "#include <curl/curl.h>\n"),
        ("src/zeebe/a.c", "#include <nghttp2/nghttp2.h>\n"),
        ("src/zeebe/a.c", '#include "gateway.pb-c.h"\n'),
        ("src/cli/a.c", '#include "core/buf.h"\n'),
        ("examples/a.c", '#include "core/buf.h"\n'),
        ("include/weir/a.h", '#include "core/buf.h"\n'),
        ("include/weir/a.h", "#include <jansson.h>\n"),
        ("src/core/a.c", '#include "buf.h"\n'),
    ],
    "sizes": [
        ("src/core/a.c", LONG),
        ("src/core/a.c", DEEP),
        ("src/core/a.c", "int f(int a, int b, int c, int d,\n      int e, int g, int h)\n{\n}\n"),
        ("src/core/a.c", "int f(int a)\n{\n" + "    if (a)\n        x();\n" * 12 + "}\n"),
        ("src/core/a.c", "\n" * 601),
        ("include/weir/a.h", "\n" * 201),
    ],
    "banned": [
        ("src/core/a.c", "void f(void)\n{\n    strcpy(a, b);\n}\n"),
        ("src/core/a.c", "void f(void)\n{\n    x = malloc(3);\n}\n"),
        ("src/io/a.c", "void f(void)\n{\n    now = time(NULL);\n}\n"),
        ("src/io/a.c", "void f(void)\n{\n    usleep(3);\n}\n"),
        ("src/io/a.c", "void f(void)\n{\n#ifdef X\n#endif\n}\n"),
    ],
    "tests": [
        ("tests/unit/a.c", "void f(void)\n{\n    usleep(3);\n}\n"),
        ("scripts/test", "sleep 1\n"),
    ],
    "alone": [("src/a.c", "/* TO" + "DO: later */\n"), ("docs/a.md", "see ../sha" + "red/design.md\n")],
}
GOOD = ("src/core/good.c", '#include "core/buf.h"\n/* strcpy(a, b) in words */\nint f(int a)\n{\n    return a;\n}\n')


def run(check, name, text):
    with tempfile.TemporaryDirectory() as root:
        full = os.path.join(root, name)
        os.makedirs(os.path.dirname(full))
        with open(full, "w", encoding="utf-8") as stream:
            stream.write(text)
        return subprocess.run([sys.executable, HOUSE, root, check], capture_output=True).returncode


def main():
    faults = [f"{check} says nothing about {name}: {text[:60]!r}" for check, cases in BAD.items() for name, text in cases if not run(check, name, text)]
    faults += [f"{check} complains about a good file" for check in BAD if run(check, *GOOD)]
    print("\n".join(faults) or "every check can fail")
    sys.exit(bool(faults))


main()
