"""
The functions' parameters, and what is checked of them alone: NULL, malformed, amounts, in that order
over all arguments of a call.
"""
import json
import re
import unicodedata
from decimal import Decimal

from . import errors, money

NIL = "00000000-0000-0000-0000-000000000000"
NAMES = 100
KEYS = 255
METADATA = 8192
METADATA_DEPTH = 32
METADATA_DIGITS = 100
# Direction and width marks that nobody sees.
INVISIBLE = [(0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2069), (0xFEFF, 0xFEFF)]
# A max_balance that lifts the cap.
NO_CAP = "Infinity"
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
                              parameter("atomic", "bool", True, True), METADATA_PARAMETER,
                              parameter("item_metadata", "metadatas", False),
                              parameter("expected_versions", "versions", False)],
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
                          parameter("max_balance", "cap", False), *COMMON],
    "wallet_lock": [parameter("wallet_ids", "lock_ids")],
}


def with_defaults(function, given):
    """All arguments of a call; those that the caller left out have their defaults."""
    names = [name for name, _, _, _ in PARAMETERS[function]]
    assert set(given) <= set(names), (function, given)
    return {name: given.get(name, default) for name, _, _, default in PARAMETERS[function]}


def is_malformed_metadata(text):
    value = json.loads(text, parse_float=Decimal)
    return (not isinstance(value, dict) or jsonb_bytes(text) > METADATA or depth_of(value) > METADATA_DEPTH
            or any(digits_of(number) > METADATA_DIGITS for number in numbers_in(value)))


def jsonb_bytes(text):
    """octet_length(jsonb::text): the server writes a space after each colon and comma."""
    numbers = []

    def keep(digits):
        numbers.append(digits)
        return f"@{len(numbers) - 1}@"

    # Numbers as numeric writes them, without an exponent.
    written = json.dumps(json.loads(text, parse_float=keep, parse_int=keep), ensure_ascii=False)
    return len(re.sub('"@([0-9]+)@"', lambda found: f"{Decimal(numbers[int(found[1])]):f}", written).encode())


def children_of(value):
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else []


def depth_of(value):
    """Of objects and arrays within each other; the outermost is 1."""
    if not isinstance(value, (dict, list)):
        return 0
    return 1 + max(map(depth_of, children_of(value)), default=0)


def numbers_in(value):
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        yield value
    for child in children_of(value):
        yield from numbers_in(child)


def digits_of(number):
    return sum(letter.isdigit() for letter in f"{Decimal(number):f}")


def has_control(text):
    return any(unicodedata.category(letter) == "Cc" for letter in text)


def is_malformed_user(name):
    return (not 1 <= len(name) <= NAMES or name != name.strip() or has_control(name)
            or any(first <= ord(letter) <= last for letter in name for first, last in INVISIBLE))


def is_malformed_key(key):
    return not 1 <= len(key.encode()) <= KEYS or has_control(key)


MALFORMED = {
    "user": is_malformed_user,
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
            raise errors.null(errors.ANY if kind == "legs" else name)
    for name, kind, _, _ in PARAMETERS[function]:
        value = arguments[name]
        if value is not None and kind in MALFORMED and MALFORMED[kind](value):
            # What is wrong within the legs may be found before or after.
            raise errors.malformed(errors.ANY if function == "wallet_post" else name)
        if name == "max_balance" and value is arguments["credit_limit"] is None:
            raise errors.malformed("credit_limit")
    for name, kind, _, _ in PARAMETERS[function]:
        if kind in ("amount", "limit", "cap") and arguments[name] is not None and not lifts_cap(kind, arguments[name]):
            amount(name, arguments[name], lowest=1 if kind == "amount" else 0)


def lifts_cap(kind, text):
    return kind == "cap" and Decimal(text) == Decimal("Infinity")


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


def optional_cap(arguments, name):
    return NO_CAP if lifts_cap("cap", arguments[name] or "0") else optional_amount(arguments, name)


def leg_errors(payer, payee, value, key=None, version=None, metadata=None):
    """
    What is wrong with one item or leg by itself, as [(rank, error)], the first of each rank, in the
    order of the table of errors.
    """
    found = []
    names = ("from_wallet_id", "to_wallet_id", "amount")
    absent = [name for name, part in zip(names, (payer, payee, value)) if part is None]
    found += [(0, errors.null(name)) for name in absent[:1]]
    bad = [name for name, is_bad in (
        ("from_wallet_id", payer == NIL), ("to_wallet_id", payee == NIL),
        ("idempotency_key", key is not None and is_malformed_key(key)),
        ("expected_version", version is not None and version < 0),
        ("metadata", metadata is not None and is_malformed_metadata(metadata))) if is_bad]
    found += [(1, errors.malformed(name)) for name in bad[:1]]
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
