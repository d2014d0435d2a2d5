"""What schemathesis learns of the programs beyond their OpenAPI files."""
from datetime import datetime

import schemathesis


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Security is optional in the files, and never here: the programs run with a token."""
    raw_schema["security"] = [entry for entry in raw_schema["security"] if entry]


def moment(text):
    try:
        return datetime.fromisoformat(str(text).upper().replace("Z", "+00:00"))
    except ValueError:
        return None


@schemathesis.hook
def map_query(context, query):
    """A period that ends before it begins is refused, which no schema can say: it is turned round."""
    if query and context.operation.label == "GET /wallets/{id}/statement":
        since, until = moment(query.get("since")), moment(query.get("until"))
        if since and until and since > until:
            return {**query, "since": query["until"], "until": query["since"]}
    return query


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
