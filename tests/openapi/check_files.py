"""The OpenAPI files by themselves: valid, their examples too, alike where they share, nothing unused. Prints TAP."""
import json
import pathlib
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

ROOT = pathlib.Path(__file__).resolve().parents[2] / "kafka_bridge"
ROOMS = ("service", "history")
KINDS = ("parameters", "headers", "responses", "links", "schemas")
count = failed = 0


def ok(findings, name):
    global count, failed
    count += 1
    failed += bool(findings)
    print(f"{'not ok' if findings else 'ok'} {count} - {name}")
    for finding in findings:
        print(f"# {finding}")


def read(room):
    """The file of a program, and the members that stand twice in an object: the first would be hidden."""
    twice = []

    def unique(pairs):
        names = [name for name, _ in pairs]
        twice.extend(name for name in set(names) if names.count(name) > 1)
        return dict(pairs)

    text = (ROOT / room / "openapi.json").read_text(encoding="utf-8")
    return json.loads(text, object_pairs_hook=unique), twice


def nodes(node, path=""):
    """Every object of a document, with where it is."""
    if isinstance(node, dict):
        yield path, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in children:
        yield from nodes(child, f"{path}/{name}")


def schema_errors(document, schema, instance):
    # References lead into the document: its components stand beside the schema.
    whole = {**schema, "components": document["components"]}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in validator.iter_errors(instance)]


def wrong_examples(document):
    for path, node in nodes(document):
        if "example" not in node or path.endswith(("/example", "/properties")):
            continue
        schema = node.get("schema", node)
        for message in schema_errors(document, schema, node["example"]):
            yield f"{path}: {message}"


def open_bodies(document):
    """Objects that a request may send: each names its members, or says what others hold."""
    for path, node in nodes(document["paths"]):
        if path.endswith("/requestBody"):
            name = node["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
            if document["components"]["schemas"][name].get("additionalProperties") is not False:
                yield name


def unused(document):
    named = {node["$ref"] for _, node in nodes(document) if "$ref" in node}
    # No operation of a path answers that a path has no such method, or that the host is another's.
    named.update(f"#/components/responses/{name}" for name in ("MethodNotAllowed", "MisdirectedRequest"))
    for kind in KINDS:
        for name in document["components"].get(kind, ()):
            if f"#/components/{kind}/{name}" not in named:
                yield f"{kind}/{name}"


def repeated_ids(document):
    ids = [node["operationId"] for path, node in nodes(document["paths"]) if "responses" in node]
    return [name for name in ids if ids.count(name) > 1]


def differing(one, other):
    for kind in (*KINDS, "securitySchemes"):
        for name, node in one["components"].get(kind, {}).items():
            if name in other["components"].get(kind, {}) and other["components"][kind][name] != node:
                yield f"{kind}/{name}"


files = {room: read(room) for room in ROOMS}
for room, (document, twice) in files.items():
    ok(twice, f"{room}: no member twice")
    ok([error.message for error in OpenAPIV31SpecValidator(document).iter_errors()], f"{room}: valid OpenAPI 3.1")
    ok(list(wrong_examples(document)), f"{room}: examples match their schemas")
    ok(list(open_bodies(document)), f"{room}: bodies take no unknown member")
    ok(list(unused(document)), f"{room}: every component is used")
    ok(repeated_ids(document), f"{room}: operation ids are unique")
ok(list(differing(*(document for document, _ in files.values()))), "what both files have is the same in both")
print(f"1..{count}")
sys.exit(1 if failed else 0)
