"""Are these the numbered events, each once and in order? Usage: numbers.py FILE FROM TO [again]

Each line of FILE is an event whose data has a member "n", or whose fields (data.payload, data.sobject) have
"Number__c". With "again" an event may come more
than once, but never before its predecessor. Says what is wrong, and ends with 1.
"""
import json
import sys


def number(line):
    data = json.loads(line)["data"]
    fields = data.get("payload", data.get("sobject", data))
    return int(fields["n"] if "n" in fields else fields["Number__c"])


def main():
    wanted, last = int(sys.argv[2]), int(sys.argv[3])
    again = sys.argv[4:] == ["again"]
    for line in open(sys.argv[1], encoding="utf-8"):
        n = number(line)
        if n == wanted:
            wanted += 1
        elif n > wanted or not again:
            return f"{n} came where {wanted} was due"
    return None if wanted == last + 1 else f"{wanted} to {last} did not come"


sys.exit(main())
