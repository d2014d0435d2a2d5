"""
The functions' parameters, and what is checked of them alone: NULL, malformed, amounts, in that order
over all arguments of a call.
"""
import json
import re
from decimal import Decimal

from . import errors, money

NIL = "00000000-0000-0000-0000-000000000000"
NAMES = 100
KEYS = 255
METADATA = 8192
# The harness sets wallet.max_batch_items to this, so that the limit is met.
ITEMS = 50

KEY = ("idempotency_key", "key", False, None)
VERSION = ("expected_version", "version", False, None)
METADATA_PARAMETER = ("metadata", "metadata", False, None)
COMMON = [KEY, VERSION, METADATA_PARAMETER]


def parameter(name, kind, required=True, default=None):
    return (name, kind, required, default)


# name: (parameter, kind, whether NULL is refused, default)
PARAMETERS = {
    "wallet_create": [parameter("user_id", "user"), parameter("currency", "currency", True, "USD"),
                      parameter("wallet_id", "uuid", False), KEY, METADATA_PARAMETER],
    "wallet_fund": [parameter("wallet_id", "uuid"), parameter("amount", "amount"), *COMMON],
    "wallet_withdraw": [parameter("wallet_id", "uuid"), parameter("amount", "amount"), *COMMON],
    "wallet_transfer": [parameter("from_wallet_id", "uuid"), parameter("to_wallet_id", "uuid"),
                        parameter("amount", "amount"), *COMMON],
    "wallet_transfer_batch": [parameter("from_wallet_ids", "uuids"), parameter("to_wallet_ids", "uuids"),
                              parameter("amounts", "amounts"), parameter("idempotency_keys", "keys", False),
                              parameter("atomic", "bool", True, True), METADATA_PARAMETER],
    "wallet_post": [parameter("legs", "legs"), *COMMON],
    "wallet_hold": [parameter("wallet_id", "uuid"), parameter("amount", "amount"),
                    parameter("expires_in", "interval", True, 7 * 86400), *COMMON],
    "wallet_capture": [parameter("hold_id", "uuid"), parameter("to_wallet_id", "uuid", False),
                       parameter("amount", "amount", False), parameter("final", "bool", True, True), *COMMON],
    "wallet_release": [parameter("hold_id", "uuid"), *COMMON],
    "wallet_expire_holds": [parameter("max", "max", True, 1000)],
    "wallet_reverse": [parameter("transaction_id", "uuid"), parameter("amount", "amount", False), *COMMON],
    "wallet_reverse_force": [parameter("transaction_id", "uuid"), parameter("amount", "amount", False), *COMMON],
    "wallet_freeze": [parameter("wallet_id", "uuid"), *COMMON],
    "wallet_unfreeze": [parameter("wallet_id", "uuid"), *COMMON],
    "wallet_close": [parameter("wallet_id", "uuid"), *COMMON],
    "wallet_set_limits": [parameter("wallet_id", "uuid"), parameter("credit_limit", "limit", False),
                          parameter("max_balance", "limit", False), *COMMON],
    "wallet_lock": [parameter("wallet_ids", "lock_ids")],
}


def with_defaults(function, given):
    """All arguments of a call; those that the caller left out have their defaults."""
    names = [name for name, _, _, _ in PARAMETERS[function]]
    assert set(given) <= set(names), (function, given)
    return {name: given.get(name, default) for name, _, _, default in PARAMETERS[function]}


def is_malformed_metadata(text):
    return not isinstance(json.loads(text), dict) or jsonb_bytes(text) > METADATA


def jsonb_bytes(text):
    """octet_length(jsonb::text): the server writes a space after each colon and comma."""
    return len(json.dumps(json.loads(text), ensure_ascii=False).encode())


def is_malformed_key(key):
    return not 1 <= len(key.encode()) <= KEYS


MALFORMED = {
    "user": lambda value: not 1 <= len(value) <= NAMES,
    "currency": lambda value: not re.fullmatch("[A-Z][A-Z0-9]{2,9}", value),
    "uuid": lambda value: value == NIL,
    "key": is_malformed_key,
    "version": lambda value: value < 0,
    "max": lambda value: value < 0,
    "metadata": is_malformed_metadata,
    "interval": lambda seconds: seconds <= 0,
    "lock_ids": lambda ids: len(ids) > ITEMS or NIL in ids,
}


def check(function, arguments):
    """22004, 22023 and WL003 of the arguments that are no items of a batch and no legs of a post."""
    for name, kind, required, _ in PARAMETERS[function]:
        value = arguments[name]
        is_null = value is None or (kind == "lock_ids" and None in value)
        # More legs than are allowed are malformed before anybody looks into them.
        if kind == "legs" and value is not None and len(value) <= ITEMS:
            is_null = any(leg is None or None in leg for leg in value)
        if required and is_null:
            raise errors.null()
    for name, kind, _, _ in PARAMETERS[function]:
        value = arguments[name]
        if value is not None and kind in MALFORMED and MALFORMED[kind](value):
            raise errors.malformed()
    for name, kind, _, _ in PARAMETERS[function]:
        if kind in ("amount", "limit") and arguments[name] is not None:
            amount(name, arguments[name], lowest=0 if kind == "limit" else 1)


def amount(name, text, lowest=1):
    """The amount as an integer, or WL003."""
    try:
        units = money.parse(text)
    except money.NotMoney:
        raise errors.invalid_amount(name, text) from None
    if units < lowest:
        raise errors.invalid_amount(name, text)
    return units


def optional_amount(arguments, name):
    return None if arguments[name] is None else money.parse(arguments[name])


def leg_errors(payer, payee, value, key=None):
    """
    What is wrong with one item or leg by itself, as [(rank, error)], the first of each rank, in the
    order of the table of errors.
    """
    found = []
    if None in (payer, payee, value):
        found.append((0, errors.null()))
    if NIL in (payer, payee) or (key is not None and is_malformed_key(key)):
        found.append((1, errors.malformed()))
    if value is not None:
        try:
            amount(errors.ANY, value)
        except errors.WalletError as error:
            found.append((2, error))
    if payer is not None and payer == payee:
        found.append((3, errors.same_wallet(payer)))
    return found


def as_json(text):
    return None if text is None else json.loads(text, parse_float=Decimal)
