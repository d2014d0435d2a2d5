"""The errors of the contract, each with the DETAIL it must carry."""
from . import money

# A key that must be there with a value that the contract does not fix.
ANY = object()


class Amount:
    """An amount in a DETAIL: a string, compared by value."""

    def __init__(self, units):
        self.units = units

    def __repr__(self):
        return repr(money.text(self.units))


class Sent:
    """A numeric as the caller wrote it, NaN and infinity included: a string, compared by value."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return repr(self.text)


class WalletError(Exception):
    """index: of the batch's item or the post's leg, from 1. detail: None where no JSON is promised."""

    def __init__(self, code, detail=None, index=None):
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.index = index

    def at(self, index):
        self.index = index
        return self


def null(argument):
    return WalletError("22004", {"argument": argument})


def malformed(argument):
    return WalletError("22023", {"argument": argument})


def invalid_amount(argument, text):
    return WalletError("WL003", {"argument": argument, "value": Sent(text)})


def too_many_decimals(argument, text, scale):
    return WalletError("WL003", {"argument": argument, "value": Sent(text), "scale": scale})


def same_wallet(wallet_id):
    return WalletError("WL007", {"wallet_id": wallet_id})


def idempotency_conflict(key, name, stored, sent, operation):
    # An earlier item of the same batch has an id that nobody has seen yet.
    return WalletError("WL005", {"idempotency_key": key, "field": name, "stored": stored, "sent": sent,
                                 "transaction_id": operation.id or ANY})


def operation_not_found(transaction_id):
    return WalletError("WL030", {"transaction_id": transaction_id})


def hold_not_found(hold_id):
    return WalletError("WL020", {"hold_id": hold_id})


def wallet_not_found(wallet_id):
    return WalletError("WL001", {"wallet_id": wallet_id})


def version_conflict(wallet, expected):
    return WalletError("WL004", {"wallet_id": wallet.id, "expected": expected, "actual": wallet.version})


def wallet_closed(wallet):
    return WalletError("WL009", {"wallet_id": wallet.id})


def wallet_frozen(wallet):
    return WalletError("WL008", {"wallet_id": wallet.id})


def wallet_not_frozen(wallet):
    return WalletError("WL012", {"wallet_id": wallet.id})


def currency_mismatch(wallet, first):
    return WalletError("WL006", {"wallet_id": wallet.id, "expected": first.currency, "actual": wallet.currency})


def wallet_not_empty(wallet):
    return WalletError("WL011", {"wallet_id": wallet.id, "balance": Amount(wallet.balance),
                                 "held": Amount(wallet.held)})


def hold_expired(hold):
    return WalletError("WL021", {"hold_id": hold.operation.id, "expired_at": ANY})


def hold_not_open(hold):
    return WalletError("WL022", {"hold_id": hold.operation.id, "status": hold.status})


def exceeds_hold(hold, requested):
    return WalletError("WL023", {"hold_id": hold.operation.id, "remaining": Amount(hold.remaining),
                                 "requested": Amount(requested)})


def not_reversible(operation):
    return WalletError("WL031", {"transaction_id": operation.id, "type": operation.kind})


def exceeds_reversible(operation, reversible, requested):
    return WalletError("WL032", {"transaction_id": operation.id, "reversible": Amount(reversible),
                                 "requested": ANY if requested is None else Amount(requested)})


def insufficient_funds(wallet, available, requested):
    return WalletError("WL002", {"wallet_id": wallet.id, "available": Amount(available),
                                 "requested": Amount(requested)})


def limit_exceeded(wallet):
    return WalletError("WL010", {"wallet_id": wallet.id})


def wallet_exists():
    return WalletError("23505")


def read_only():
    return WalletError("25006")
