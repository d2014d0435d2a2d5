#!/usr/bin/env python3
"""Checks events, one a line on standard input, against the JSON Schema given and against what a
schema can't say: the order of the fields, no whitespace between members, and the event's id.

Usage: check_events.py SCHEMA < EVENTS
Prints every fault with its line number, then how many events were checked; exit code 1 with faults.
"""

import json
import sys
import uuid

from jsonschema import Draft202012Validator


def faults_of(line, validator, field_names):
    try:
        event = json.loads(line)
    except ValueError as error:
        yield f"not JSON: {error}"
        return
    for error in validator.iter_errors(event):
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
    if not isinstance(event, dict):
        return
    # Later versions append fields; those of this one keep their places.
    if list(event)[: len(field_names)] != field_names:
        yield f"order of fields: {', '.join(event)}"
    if event.get("event_id") != str(
        uuid.uuid5(uuid.UUID(event["wallet_id"]), str(event["version"]))
    ):
        yield "event_id is not the UUID version 5 of wallet_id and version"
    # Without metadata, which keeps the form PostgreSQL gives it, the line has one form.
    for name, value in event.items():
        compact = json.dumps({name: value}, ensure_ascii=False, separators=(",", ":"))[1:-1]
        if name != "metadata" and compact not in line:
            yield f"form of {name}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    count = fault_count = 0

    # Not splitlines(): a string may hold other separators that are none here.
    for number, line in enumerate(sys.stdin.buffer.read().decode("utf-8").split("\n"), start=1):
        if not line:
            continue
        count += 1
        for fault in faults_of(line, validator, schema["required"]):
            fault_count += 1
            print(f"line {number}: {fault}")
    print(f"{count} events checked")
    return 1 if fault_count or not count else 0


if __name__ == "__main__":
    sys.exit(main())
