"""Amounts of the model: integers of 1/10000, as exact as the contract wants them (INV-10)."""
from decimal import Decimal

UNIT = 10_000
LARGEST = 9_999_999_999_999_999_999


class NotMoney(Exception):
    """The text is no amount: not finite, more than 4 decimals, or too large."""


def parse(text):
    """The amount a numeric literal stands for, of either sign; NotMoney where there is none."""
    value = exact(text)
    if abs(value) > LARGEST:
        raise NotMoney(text)
    return value


def exact(text):
    """The same for sums, which may be larger than an amount: a balance and its credit limit."""
    sign, digits, exponent = Decimal(text).as_tuple()
    if not isinstance(exponent, int):
        raise NotMoney(text)
    value = int("".join(map(str, digits)) or "0")
    shift = exponent + 4
    if shift >= 0:
        value *= 10**shift
    else:
        value, rest = divmod(value, 10**-shift)
        if rest:
            raise NotMoney(text)
    return -value if sign else value


def text(units):
    """As numeric(19,4) is written."""
    whole, rest = divmod(abs(units), UNIT)
    return f"{'-' if units < 0 else ''}{whole}.{rest:04d}"


def share(amount, done, whole, scale=4):
    """amount * done / whole at the scale of a currency, rounded half away from zero."""
    unit = 10 ** (4 - scale)
    return (2 * amount * done + whole * unit) // (2 * whole * unit) * unit
