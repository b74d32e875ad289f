"""What a handler of weir's does with a job of the order process, in each of the ways that weir starts one.

handler.py plain|outcomes (the job's variables on stdin, the rest in the environment) or handler.py coprocess (JSON lines).
"""
import json
import os
import sys

PARCEL = {"parcel": {"number": 9007199254740993, "to": "Zürich"}}


def outcome(kind, retries, variables, headers):
    """What weir calls an outcome object."""
    if kind == "order-reserve" and retries == 2:
        return {"fail": {"retries": 1, "retryBackoff": "100ms", "errorMessage": "the shelf is locked"}}
    if kind == "order-reserve":
        return {"complete": {"reserved": variables["items"], "retries": retries}}
    if kind == "order-charge" and variables["card"] == "bad":
        return {"throw": {"errorCode": "DECLINED", "errorMessage": "no money", "variables": {"why": variables["card"]}}}
    if kind == "order-charge":
        return {"complete": {"charged": headers["currency"]}}
    return {"complete": PARCEL}


def of_environment():
    return outcome(os.environ["WEIR_JOB_TYPE"], int(os.environ["WEIR_JOB_RETRIES"]), json.load(sys.stdin),
                   json.loads(os.environ["WEIR_JOB_CUSTOM_HEADERS"]))


def plain():
    what = of_environment()
    if "complete" not in what:
        sys.exit(what["fail"]["errorMessage"])
    print(json.dumps(what["complete"]))


def as_object(text):
    return json.loads(text) if isinstance(text, str) else text


def coprocess():
    for line in sys.stdin:
        job = json.loads(line)
        what = outcome(job["type"], int(job["retries"]), as_object(job["variables"]), as_object(job["customHeaders"]))
        print(json.dumps({"key": job["key"], **what}), flush=True)


if __name__ == "__main__":
    {"plain": plain, "outcomes": lambda: print(json.dumps(of_environment())), "coprocess": coprocess}[sys.argv[1]]()
