"""Runs the client against every case. Usage: run.py CLIENT GRPCURL|none [CASE...]; prints "ok NAME" or "FAIL NAME: why"."""
import json
import os
import re
import subprocess
import sys

import cases
from server import Server


def run(client, case):
    server = Server(case)
    try:
        done = subprocess.run([client, str(server.port), *case.client], capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "the client did not come to an end in 60 s"
    finally:
        server.close()
    if done.returncode:
        return f"the client ended with {done.returncode}: {done.stderr[:300]}"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    what = {name: [line for line in lines if line["what"] == name] for name in ("call", "again")}
    return judge(case, server, what["call"], what["again"], lines[-1])


def judge(case, server, calls, again, counters):
    for connection in server.connections:
        if connection.fault:
            return f"the client broke HTTP/2: {connection.fault}"
    for call in calls:
        if call["code"] not in case.codes:
            return f"ended with {call['code']} ({call['weir']}: {call['error']}), not {case.codes}"
        if case.messages is not None and call["messages"] != case.messages:
            return f"{call['messages']} messages, not {case.messages}"
        if (call["code"] == 0) != (call["weir"] == "WEIR_OK"):
            return f"code {call['code']} and {call['weir']}"
    for call in again:
        if call["code"] or call["messages"] != 1:
            return f"the next call on the channel failed: {call['code']} {call['error']}"
    if case.connects is not None and counters["connects"] != case.connects:
        return f"{counters['connects']} connections, not {case.connects}"
    if counters["active"] or counters["queued"]:
        return f"calls are left: {counters}"
    try:
        case.check(calls, counters, server)
    except AssertionError as why:
        return str(why)
    return None


# As grpcurl spells them, and their numbers.
CODES = ["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied",
         "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable",
         "DataLoss", "Unauthenticated"]


def beside(grpcurl, kinds):
    """What grpc-go makes of the same server: whether the server is right, in the eyes of somebody else."""
    asked = 0
    for kind in kinds:
        case = kind()
        if case.go is None or not set(case.client) <= {"stream"}:
            continue
        server = Server(case)
        method = "Streamed" if "stream" in case.client else "Call"
        folder = os.path.dirname(os.path.abspath(__file__))
        done = subprocess.run([grpcurl, "-plaintext", "-max-time", "8", "-import-path", folder, "-proto", "faults.proto",
                               f"127.0.0.1:{server.port}", f"peers.Faults/{method}"],
                              capture_output=True, text=True, timeout=60, check=False)
        server.close()
        said = re.search(r"Code: (\w+)", done.stderr)
        code = CODES.index(said.group(1)) if said else 0 if done.returncode == 0 else -1
        asked += 1
        if code not in (case.go or case.codes):
            yield f"{kind.__name__} ended with {code}: {done.stderr[:200]!r}"
    if not asked:
        yield "nothing was asked"


def main():
    grpcurl, wanted = sys.argv[2], sys.argv[3:]
    kinds = [kind for kind in cases.every() if not wanted or kind.__name__ in wanted]
    failed = False
    for kind in kinds:
        why = run(sys.argv[1], kind())
        name = f"h2: {kind.__name__}: {kind.__doc__}"
        print(f"FAIL {name}: {why}" if why else f"ok {name}", flush=True)
        failed |= bool(why)
    differ = "; ".join(beside(grpcurl, kinds)) if grpcurl != "none" else ""
    if grpcurl != "none":
        name = "h2: grpcurl makes of this server what is said here"
        print(f"FAIL {name}: {differ}" if differ else f"ok {name}", flush=True)
    return int(failed or bool(differ))


if __name__ == "__main__":
    sys.exit(main())
