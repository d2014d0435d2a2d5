"""What schemathesis learns of the programs beyond their OpenAPI files."""
import json
import pathlib
import re
from datetime import datetime, timezone

import schemathesis

EXISTING = pathlib.Path(__file__).with_name("existing.json")
# As a dictionary has them: quoted, one on a line.
WALLETS = [line.strip('"') for line in pathlib.Path(__file__).with_name("wallets.dict").read_text(encoding="utf-8").split()]


def with_existing(node, names):
    """A part of a file whose examples name what exists: an id of the file's own leads nowhere."""
    if isinstance(node, dict):
        return {name: with_existing(member, names) for name, member in node.items()}
    if isinstance(node, list):
        return [with_existing(item, names) for item in node]
    return names.get(node, node) if isinstance(node, str) else node


@schemathesis.hook
def before_load_schema(context, raw_schema):
    raw_schema.update(with_existing(raw_schema, json.loads(EXISTING.read_text(encoding="utf-8"))))
    # Security is optional in the files, and never here: the programs run with a token.
    raw_schema["security"] = [entry for entry in raw_schema["security"] if entry]


def moment(text):
    try:
        read = datetime.fromisoformat(str(text).upper().replace("Z", "+00:00"))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=timezone.utc)


def possible(query):
    """What no schema can say of two values, or of a calendar."""
    since, until = moment(query.get("since")), moment(query.get("until"))
    if since and until and since > until:
        # A period that ends before it begins is refused: it is turned round.
        return {**query, "since": query["until"], "until": query["since"]}
    if isinstance(query.get("before"), str):
        # Not every month has these days.
        return {**query, "before": re.sub(r"^([0-9]{4}-[0-9]{2})-(29|3[01])T", r"\1-28T", query["before"])}
    return query


def elsewhere(path, body):
    """A transfer whose wallets are two: a dictionary gives the same one for both, which is refused."""
    wallet = path.get("id")
    if isinstance(body, dict) and body.get("to_wallet_id") == wallet and wallet in WALLETS:
        return {**body, "to_wallet_id": WALLETS[(WALLETS.index(wallet) + 1) % len(WALLETS)]}
    return body


def whole(value):
    """What no schema can say of a number. 1.0 becomes 1: the programs refuse every fraction of an amount."""
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value and not 1e-60 < abs(value) < 1e60:
        # Written out it may have more digits than metadata may.
        return 1
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def map_case(context, case):
    if case.meta is not None and case.meta.generation.mode.is_positive:
        case.query = possible(case.query) if case.query else case.query
        case.body = elsewhere(case.path_parameters or {}, whole(case.body))
    return case


def described_codes(schema):
    """Of every code of a problem its HTTP status; patterns are left out."""
    codes = schema.raw_schema["components"]["schemas"]["Problem"]["properties"]["code"]["anyOf"]
    return {entry["const"]: entry["x-status"] for entry in codes if "const" in entry}


@schemathesis.check
def problem_conformance(ctx, response, case):
    """A problem repeats its HTTP status, its code has the status that is described, and belongs to the operation."""
    if response.status_code < 400 or "problem+json" not in response.headers.get("content-type", [""])[0]:
        return
    problem = response.json()
    if problem["status"] != response.status_code:
        raise AssertionError(f"The problem says {problem['status']} in an answer of {response.status_code}")
    code = problem.get("code")
    status = described_codes(case.operation.schema).get(code)
    if status is not None and status != response.status_code:
        raise AssertionError(f"{code} is described with {status}, not with {response.status_code}")
    listed = case.operation.definition.raw.get("x-codes", [])
    if code is not None and (code.startswith("WL") or code == "23505") and code not in listed:
        raise AssertionError(f"{code} is not in the x-codes of {case.operation.label}")
