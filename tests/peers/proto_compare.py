#!/usr/bin/env python3
"""Compares two protocols as protoc sees them: ours must say everything theirs says, and may say more.

Usage: proto_compare.py OURS THEIRS NEWER   (each what protoc --descriptor_set_out wrote)

A message, field, enum value or RPC of theirs that is missing or different in ours is a fault. What only ours has
must be listed by name in NEWER, a line each: it is newer than theirs. Comments, order and Java options are of no interest.
"""
import sys

# The parts of google.protobuf.FileDescriptorSet that matter, by field number.
ENUM_VALUE = {1: "name", 2: "number"}
ENUM = {1: "name", 2: ("value", ENUM_VALUE)}
FIELD = {1: "name", 3: "number", 4: "label", 5: "type", 6: "type_name", 9: "oneof_index", 17: "proto3_optional"}
MESSAGE = {1: "name", 2: ("field", FIELD), 4: ("enum_type", ENUM), 8: ("oneof_decl", {1: "name"})}
MESSAGE[3] = ("nested_type", MESSAGE)
METHOD = {1: "name", 2: "input_type", 3: "output_type", 5: "client_streaming", 6: "server_streaming"}
SERVICE = {1: "name", 2: ("method", METHOD)}
FILE = {2: "package", 4: ("message_type", MESSAGE), 5: ("enum_type", ENUM), 6: ("service", SERVICE)}
FILE_SET = {1: ("file", FILE)}
FACTS = ("number", "label", "type", "type_name", "proto3_optional")


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def parse(data, schema):
    """A message as a list of (name, value): whole numbers and names as text, messages as lists."""
    entries, at = [], 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            sys.exit(f"proto_compare: wire type {tag & 7} in a description")
        known = schema.get(tag >> 3)
        if isinstance(known, tuple):
            entries.append((known[0], parse(value, known[1])))
        elif known:
            entries.append((known, value.decode() if isinstance(value, bytes) else str(value)))
    return entries


def every(entries, name):
    return [value for key, value in entries if key == name]


def one(entries, name, default=""):
    return (every(entries, name) or [default])[0]


def collect(file_set):
    facts = {}
    for file in every(file_set, "file"):
        package = one(file, "package")
        for message in every(file, "message_type"):
            collect_message(facts, package, message)
        for enum in every(file, "enum_type"):
            collect_enum(facts, package, enum)
        for service in every(file, "service"):
            for method in every(service, "method"):
                key = f"rpc {package}.{one(service, 'name')}/{one(method, 'name')}"
                facts[key] = {f: one(method, f) for f in ("input_type", "output_type", "client_streaming", "server_streaming")}
    return facts


def collect_message(facts, scope, message):
    name = f"{scope}.{one(message, 'name')}"
    facts[f"message {name}"] = {}
    oneofs = [one(o, "name") for o in every(message, "oneof_decl")]
    for field in every(message, "field"):
        fact = {f: one(field, f) for f in FACTS}
        index = one(field, "oneof_index")
        real = index != "" and not fact["proto3_optional"]
        fact["oneof"] = oneofs[int(index)] if real else ""
        facts[f"field {name}.{one(field, 'name')}"] = fact
    for nested in every(message, "nested_type"):
        collect_message(facts, name, nested)
    for enum in every(message, "enum_type"):
        collect_enum(facts, name, enum)


def collect_enum(facts, scope, enum):
    name = f"{scope}.{one(enum, 'name')}"
    facts[f"enum {name}"] = {}
    for value in every(enum, "value"):
        facts[f"value {name}.{one(value, 'name')}"] = {"number": one(value, "number")}


def main():
    ours, theirs = (collect(parse(open(path, "rb").read(), FILE_SET)) for path in sys.argv[1:3])
    if not any(key.startswith("rpc ") for key in theirs):
        sys.exit("proto_compare: the other side has no RPC: not a protocol")
    faults = 0
    for key, fact in sorted(theirs.items()):
        if key not in ours:
            print(f"missing here: {key} {fact}")
            faults += 1
        elif ours[key] != fact:
            print(f"different: {key}: here {ours[key]}, there {fact}")
            faults += 1
    expected = set(open(sys.argv[3], encoding="utf-8").read().splitlines())
    newer = set(ours) - set(theirs)
    for key in sorted(newer ^ expected):
        print(f"{'only here, and not listed as newer' if key in newer else 'listed as newer, but not so'}: {key}")
        faults += 1
    print(f"proto: {len(theirs)} facts of theirs checked, {faults} faults, {len(newer)} newer here, all listed")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
