"""A coprocess of weir's that writes a journal: coprocess.py JOURNAL PAUSE_MS [GATE BEFORE]. Each job is completed
after the pause; after BEFORE of them, only once the file GATE exists."""
import json
import os
import sys
import threading
import time

journal = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
gate, before = sys.argv[3:5] if len(sys.argv) > 3 else ("/", 0)
for begun, line in enumerate(sys.stdin):
    job = json.loads(line)
    variables = job["variables"]
    variables = json.loads(variables) if isinstance(variables, str) else variables
    os.write(journal, f"start {job['key']} {variables['number']} {int(time.time() * 1000)} {job['deadline']}\n".encode())
    while begun >= int(before) and not os.path.exists(gate):
        threading.Event().wait(0.05)
    threading.Event().wait(int(sys.argv[2]) / 1000)
    print(json.dumps({"key": job["key"], "complete": {}}), flush=True)
