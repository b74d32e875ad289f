"""Runs the client against every case. Usage: run.py CLIENT [CASE...]; prints "ok NAME" or "FAIL NAME: why"."""
import json
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


def main():
    wanted = sys.argv[2:]
    failed = False
    for kind in cases.every():
        if wanted and kind.__name__ not in wanted:
            continue
        why = run(sys.argv[1], kind())
        name = f"h2: {kind.__name__}: {kind.__doc__}"
        print(f"FAIL {name}: {why}" if why else f"ok {name}", flush=True)
        failed |= bool(why)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
