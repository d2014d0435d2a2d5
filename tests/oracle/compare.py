"""Compares what the server did with what the model says, after every call."""
import json
import uuid
from decimal import Decimal, InvalidOperation

from model import ANY, Amount, Sent, arguments, money
from server import units


class Mismatch(Exception):
    """kind: which comparison failed; what shrinks keeps it."""

    def __init__(self, kind, text):
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text


def same(kind, what, expected, actual):
    if expected != actual:
        raise Mismatch(kind, f"{what}: expected {expected!r}, the server has {actual!r}")


def id_of(thing):
    return None if thing is None else thing.id


# Errors.


def compare_error(expected, error):
    """expected: WalletError or None; error: psycopg2.Error or None."""
    code = error.pgcode if error else "success"
    wanted = expected.code if expected else "success"
    if code != wanted:
        detail = f" ({error.diag.message_primary}; {error.diag.message_detail})" if error else ""
        asked = f" {expected.detail} index {expected.index}" if expected else ""
        raise Mismatch(f"code {wanted} {code}", f"expected {wanted}{asked}, the server says {code}{detail}")
    if expected and expected.detail is not None:
        compare_detail(expected, json_of(expected, error.diag.message_detail))


def json_of(expected, text):
    try:
        return json.loads(text or "")
    except ValueError:
        raise Mismatch(f"detail of {expected.code}", f"DETAIL is no JSON: {text!r}") from None


def compare_detail(expected, detail):
    kind = f"detail of {expected.code}"
    wanted = dict(expected.detail)
    if expected.index is not None:
        wanted["index"] = expected.index
    else:
        detail.pop("index", None)
    same(kind, "keys of DETAIL", sorted(wanted), sorted(detail))
    if expected.code == "WL005" and wanted["field"] == detail["field"]:
        wanted.update({name: request_value(wanted["field"], wanted[name]) for name in ("stored", "sent")})
    for name, value in wanted.items():
        if not is_same_value(value, detail[name]):
            raise Mismatch(kind, f"{name} of DETAIL: expected {value!r}, the server has {detail[name]!r}")


def request_value(field, value):
    """How stored and sent appear; the text of the other fields' values is not fixed."""
    if value is None:
        return None
    if field in ("amount", "credit_limit", "max_balance") and value != arguments.NO_CAP:
        return Amount(value)
    return value if field.endswith("_id") or field in ("max_balance", "operation", "user_id", "currency") else ANY


def is_same_value(expected, actual):
    if expected is ANY:
        return True
    if isinstance(expected, (Amount, Sent)):
        wanted = expected.text if isinstance(expected, Sent) else money.text(expected.units)
        return isinstance(actual, str) and is_same_number(wanted, actual)
    if isinstance(expected, int):
        return not isinstance(actual, bool) and str(actual) == str(expected)
    return expected == actual


def is_same_number(left, actual):
    left = Decimal(left)
    try:
        right = Decimal(actual)
    except InvalidOperation:
        # A very long number may be shortened.
        return actual.endswith("...") and len(actual) > 60 and f"{left:f}".startswith(actual[:-3])
    return left.is_nan() and right.is_nan() or not left.is_nan() and left == right


# Results.


def bind(model, operation, operation_id):
    """The server's id of an operation is known when it is seen first, and is new then."""
    if operation.id is None:
        if operation_id in model.operations or operation_id in model.wallets:
            raise Mismatch("id", f"a new operation has an id that is in use: {operation_id}")
        model.bind_operation(operation, operation_id)
    same("id", "transaction_id", operation.id, operation_id)


def compare_id(model, operation, returned):
    """The id that a call returned, of a new operation or of a repeated one."""
    if operation.result is operation:
        if operation in model.made:
            bind(model, operation, returned)
        same("id", "returned id", operation.id, returned)
        return
    wallet = operation.result
    if operation in model.made:
        wanted = dict(operation.request)["wallet_id"]
        if wanted is not None:
            same("id", "wallet id", wanted, returned)
        if returned in model.wallets or returned in model.operations:
            raise Mismatch("id", f"a new wallet has an id that is in use: {returned}")
        model.bind_wallet(wallet, returned)
    same("id", "returned wallet id", wallet.id, returned)


def compare_batch(model, results, rows):
    same("batch", "index", list(range(1, len(results) + 1)), [row[0] for row in rows])
    same("batch", "sqlstate", [result.code for result in results], [row[2] for row in rows])
    same("batch", "replayed", [result.is_replay for result in results], [row[4] for row in rows])
    for result, (_, transaction_id, _, detail, _) in zip(results, rows):
        if result.error is None:
            same("batch", "detail of an item that is done", None, detail)
            compare_id(model, result.operation, transaction_id)
        else:
            same("batch", "transaction_id of a failed item", None, transaction_id)
            compare_detail(result.error, detail)


# Effects.


def new_entries(model):
    """wallet: the entries that the call in progress added."""
    made = set(model.made)
    found = {}
    for operation in model.made:
        for row in operation.rows:
            for wallet in filter(None, (row.payer, row.payee)):
                found[wallet] = [entry for entry in wallet.entries if entry.row.operation in made]
    return found


def look(session, watched, added):
    touched = list(added)
    return session.look([wallet.id for wallet in dict.fromkeys([*watched, *touched])],
                        [wallet.id for wallet in touched],
                        [added[wallet][0].version - 1 for wallet in touched])


def compare_entries(model, rows, added):
    by_wallet = {wallet.id: iter([row for row in rows if row[0] == wallet.id]) for wallet in added}
    same("entries", "number of entries", sum(map(len, added.values())), len(rows))
    for wallet, entries in added.items():
        for entry in entries:
            row = next(by_wallet[wallet.id], None)
            if row is None:
                raise Mismatch("entries", f"wallet {wallet.id} lacks version {entry.version}")
            compare_entry(model, wallet, entry, row)


def compare_entry(model, wallet, entry, row):
    (_, version, type_name, amount, transaction_id, counterparty, balance, held, status, user_id, currency,
     hold_id, forced, metadata, created_at) = row
    what = f"version {entry.version} of {wallet.id}, "
    ledger = entry.row
    same("entries", what + "type", (entry.version, entry.type), (version, type_name))
    bind(model, ledger.operation, transaction_id)
    for name, expected, actual in (
            ("amount", ledger.amount, units(amount)),
            ("counterparty_wallet_id", id_of(entry.counterparty), counterparty),
            ("balance_after", entry.balance_after, units(balance)),
            ("held_after", entry.held_after, units(held)),
            ("status_after", entry.status_after, status),
            ("user_id", wallet.user_id, user_id),
            ("currency", wallet.currency, currency),
            ("forced", ledger.forced, forced)):
        same("entries", what + name, expected, actual)
    if ledger.hold is not None:
        same("entries", what + "hold_id", ledger.hold.operation.id, hold_id)
    # Whether the later rows of an operation repeat its metadata is not fixed.
    if ledger.leg == 0 or metadata is not None:
        same("entries", what + "metadata", ledger.operation.metadata, metadata)
    previous = wallet.entries[entry.version - 1] if entry.version else None
    if previous is not None:
        later = created_at - previous.created_at
        if later < (0 if previous.row.operation is ledger.operation else 1):
            raise Mismatch("entries", f"{what}created_at is {-later} us before the entry below it")
    model.journal.set(entry, "created_at", created_at)
    if ledger.leg == 0:
        compare_id_time(transaction_id, created_at)


def compare_id_time(transaction_id, created_at):
    """A version 7 id whose 60 time bits are created_at."""
    parsed = uuid.UUID(transaction_id)
    same("id", "version of the UUID", 7, parsed.version)
    milliseconds, fraction = parsed.int >> 80, parsed.int >> 64 & 0xFFF
    told = milliseconds * 1000 + fraction * 1000 / 4096
    if abs(told - created_at) > 1:
        raise Mismatch("id", f"{transaction_id} says {told} us, created_at is {created_at} us")


def compare_rows(model, rows):
    for operation in model.made:
        mine = [row for row in rows if row[0] == operation.id]
        same("rows", f"rows of {operation.id}", len(operation.rows), len(mine))
        for ledger, row in zip(operation.rows, mine):
            _, leg, kind, payer, payee, amount, currency, key, hold_id, reverses, forced = row
            wallet = ledger.payer or ledger.payee
            expected = (ledger.leg, ledger.kind, id_of(ledger.payer), id_of(ledger.payee), ledger.amount,
                        wallet.currency, operation.key if ledger.leg == 0 else None, ledger.forced)
            actual = (leg, kind, payer, payee, units(amount), currency, key, forced)
            same("rows", f"row {ledger.leg} of {operation.id}", expected, actual)
            same("rows", f"reverses of {operation.id}", id_of(operation.reverses), reverses)
            if ledger.hold is not None:
                same("rows", f"hold_id of {operation.id}", ledger.hold.operation.id, hold_id)


def compare_wallets(rows, wallets):
    rows = {row[0]: row[1:] for row in rows}
    for wallet in wallets:
        row = rows.get(wallet.id)
        if row is None:
            raise Mismatch("wallet", f"there is no wallet {wallet.id}")
        expected = (wallet.user_id, wallet.currency, wallet.balance, wallet.held, wallet.credit_limit,
                    wallet.max_balance, wallet.status, wallet.version, wallet.entries[0].created_at,
                    wallet.entries[-1].created_at)
        actual = (*row[:2], *map(units, row[2:6]), *row[6:])
        names = ("user_id", "currency", "balance", "held", "credit_limit", "max_balance", "status", "version",
                 "created_at", "updated_at")
        for name, one, other in zip(names, expected, actual):
            same("wallet", f"{name} of {wallet.id}", one, other)


def compare_holds(model, rows, wallets):
    holds = {hold.operation.id: hold for wallet in wallets for hold in wallet.holds}
    same("holds", "ids of holds", sorted(holds), sorted(row[0] for row in rows))
    for hold_id, wallet_id, amount, captured, released, status, expires_at, created_at in rows:
        hold = holds[hold_id]
        same("holds", f"hold {hold_id}",
             (hold.wallet.id, hold.amount, hold.captured, hold.released, hold.status),
             (wallet_id, units(amount), units(captured), units(released), status))
        same("holds", f"created_at of {hold_id}", entry_of(hold).created_at, created_at)
        if hold.expires_at != expires_at:
            wanted = entry_of(hold).created_at + dict(hold.operation.request)["expires_in"] * 1_000_000
            if abs(expires_at - wanted) > 1_000_000:
                raise Mismatch("holds", f"hold {hold_id} expires at {expires_at} us, not {wanted} us")
            model.journal.set(hold, "expires_at", expires_at)


def entry_of(hold):
    return next(entry for entry in hold.wallet.entries if entry.row is hold.operation.rows[0])


def compare_available(model, rows):
    for wallet_id, available in rows:
        same("available", f"available of {wallet_id}", model.available(model.wallets[wallet_id]), units(available))
