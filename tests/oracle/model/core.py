"""
The reference model: what each call must return, raise and change, one call after the other. Written
from the contract (SQL API: operations, idempotency, order of checks) and from nothing else.

A call is predicted with call(), in one of two ways: it raises a WalletError and nothing has changed,
or returns what the function returns. Where the contract leaves a choice, may_fail() takes the error
that the server has chosen (observed); each such place is counted by name in open_questions.
"""
from collections import Counter

from . import arguments, errors, money
from .state import Entry, Hold, Journal, Operation, Row, Wallet

SIDES = {"TRANSFER": ("TRANSFER_OUT", "TRANSFER_IN"), "CAPTURE": ("CAPTURE_OUT", "CAPTURE_IN"),
         "REVERSAL": ("REVERSAL_OUT", "REVERSAL_IN")}
# A call releases at most so many expired holds.
SWEEPS = 100
# The harness sets these scales in every database.
SCALES = {"JPY": 0, "BHD": 3}
MOVES_BALANCE = ("FUND", "WITHDRAW", "TRANSFER", "CAPTURE", "REVERSAL")


class Core:
    """State, rows and the checks that several functions share; the functions stand in the subclasses."""

    def __init__(self):
        self.journal = Journal()
        self.wallets = {}
        self.operations = {}
        self.holds = {}
        self.keys = {}
        # Microseconds since 1970 by the clock that operations read; whoever drives the model sets it.
        self.now = 0
        self.read_only = False
        self.observed = None
        # Operations of the call in progress, in the order of their entries.
        self.made = []
        # Expired holds that the call in progress may still release.
        self.sweeps_left = SWEEPS
        self.open_questions = Counter()

    def call(self, function, given, observed=None):
        """observed: (sqlstate, index) of the server's error, or None where it raised none."""
        mark = self.journal.mark()
        self.observed = observed
        self.made = []
        self.sweeps_left = SWEEPS
        values = arguments.with_defaults(function, given)
        try:
            if self.read_only:
                raise errors.read_only()
            arguments.check(function, values)
            return getattr(self, function)(function, values)
        except errors.WalletError:
            self.journal.rollback(mark)
            self.made = []
            raise

    def may_fail(self, question, error):
        """Raises an error that the contract allows but does not demand, where the server did."""
        if self.observed in ((error.code, error.index), (error.code, None)):
            self.open_questions[question] += 1
            raise error

    # What is bound once the server has told it.

    def bind_operation(self, operation, operation_id):
        self.journal.set(operation, "id", operation_id)
        self.journal.put(self.operations, operation_id, operation)
        if operation.kind == "HOLD":
            self.journal.put(self.holds, operation_id, operation.rows[0].hold)

    def bind_wallet(self, wallet, wallet_id):
        self.journal.set(wallet, "id", wallet_id)
        self.journal.put(self.wallets, wallet_id, wallet)

    # Requests and keys.

    @staticmethod
    def request(function, values):
        """The request as it is compared on a retry: (field, value) in the order of comparison."""
        result = [("operation", function)]
        kinds = {name: kind for name, kind, _, _ in arguments.PARAMETERS[function]}
        result += [(name, values[name]) for name in sorted(kinds) if kinds[name] == "uuid"]
        for name in ("user_id", "currency", "amount", "expires_in", "final", "credit_limit", "max_balance",
                     "legs", "metadata"):
            if name not in kinds:
                continue
            value = values[name]
            if kinds[name] in ("amount", "limit", "cap"):
                value = (arguments.optional_cap if name == "max_balance" else arguments.optional_amount)(values, name)
            elif name == "legs":
                value = [(payer, payee, money.parse(amount)) for payer, payee, amount in value]
            elif name == "metadata":
                value = arguments.as_json(value)
            result.append((name, value))
        return result

    def replay(self, request, key):
        """The operation that the key belongs to, None where it is free; WL005 for another request."""
        operation = self.keys.get(key) if key is not None else None
        if operation is None:
            return None
        for (name, stored), (sent_name, sent) in zip(operation.request, request):
            if name != sent_name or stored != sent:
                raise errors.idempotency_conflict(key, name, stored, sent, operation)
        return operation

    def replay_of(self, function, values):
        return self.replay(self.request(function, values), values["idempotency_key"])

    # Checks, in the order of the table of errors.

    def find(self, wallet_id):
        wallet = self.wallets.get(wallet_id)
        if wallet is None:
            raise errors.wallet_not_found(wallet_id)
        return wallet

    @staticmethod
    def check_version(wallet, values):
        expected = values["expected_version"]
        if expected is not None and expected != wallet.version:
            raise errors.version_conflict(wallet, expected)

    @staticmethod
    def check_not_closed(wallet):
        if wallet.status == "closed":
            raise errors.wallet_closed(wallet)

    def check_active(self, wallet):
        self.check_not_closed(wallet)
        if wallet.status == "frozen":
            raise errors.wallet_frozen(wallet)

    @staticmethod
    def check_currency(wallet, first):
        if wallet.currency != first.currency:
            raise errors.currency_mismatch(wallet, first)

    def scale(self, currency):
        """Decimals of a currency's amounts."""
        return SCALES.get(currency, 4)

    def check_scale(self, wallet, name, text):
        scale = self.scale(wallet.currency)
        if money.exact(text) % 10 ** (4 - scale):
            raise errors.too_many_decimals(name, text, scale)

    def check_request(self, wallet, values):
        """The amounts that are given by the wallet's currency, then its version."""
        for name in ("amount", "credit_limit", "max_balance"):
            if values.get(name) is not None and not (name == "max_balance" and arguments.lifts_cap("cap", values[name])):
                self.check_scale(wallet, name, values[name])
        self.check_version(wallet, values)

    def is_expired(self, hold):
        return hold.expires_at <= self.now

    def unheld(self, wallet):
        """The balance without what unexpired holds keep."""
        return wallet.balance - sum(hold.remaining for hold in wallet.holds
                                    if hold.status == "open" and not self.is_expired(hold))

    def available(self, wallet):
        """What a debit may take now."""
        return self.unheld(wallet) + wallet.credit_limit

    def check_floor(self, wallet, amount):
        available = self.available(wallet)
        if available < amount:
            raise errors.insufficient_funds(wallet, available, amount)

    @staticmethod
    def check_ceiling(wallet, amount):
        limit = money.LARGEST if wallet.max_balance is None else wallet.max_balance
        if wallet.balance + amount > limit:
            raise errors.limit_exceeded(wallet)

    # Changes.

    def begin(self, function, values=None, request=None, key=None, reverses=None):
        """A new operation; it gets its rows next."""
        if values is not None:
            request = self.request(function, values)
            key = values["idempotency_key"]
        metadata = dict(request).get("metadata") if request else None
        operation = Operation(function, request or [], key, metadata, reverses)
        operation.result = operation
        if key is not None:
            self.journal.put(self.keys, key, operation)
        self.made.append(operation)
        return operation

    def add_row(self, operation, kind, payer, payee, amount, hold=None, forced=False):
        """Moves the money and gives each wallet its entry, the payer first."""
        row = Row(operation, len(operation.rows), kind, payer, payee, amount, hold, forced)
        self.journal.append(operation.rows, row)
        out, into = SIDES.get(kind, (kind, kind))
        if payer is not None:
            if kind in MOVES_BALANCE:
                self.journal.set(payer, "balance", payer.balance - amount)
            if kind == "CAPTURE":
                self.journal.set(payer, "held", payer.held - amount)
            if kind == "HOLD":
                self.journal.set(payer, "held", payer.held + amount)
            self.add_entry(payer, row, out, payee)
        if payee is not None:
            if kind in MOVES_BALANCE:
                self.journal.set(payee, "balance", payee.balance + amount)
            if kind in ("RELEASE", "EXPIRE"):
                self.journal.set(payee, "held", payee.held - amount)
            self.add_entry(payee, row, into, payer)
        return row

    def add_entry(self, wallet, row, type_name, counterparty):
        self.journal.append(wallet.entries, Entry(row, wallet.version + 1, type_name, counterparty,
                                                  wallet.balance, wallet.held, wallet.status))

    def give_back(self, operation, kind, hold, status):
        """The rest of a hold, by RELEASE or EXPIRE."""
        rest = hold.remaining
        self.journal.set(hold, "released", hold.released + rest)
        self.journal.set(hold, "status", status)
        self.add_row(operation, kind, None, hold.wallet, rest, hold)

    def expired_holds(self, holds):
        found = [hold for hold in holds if hold.status == "open" and self.is_expired(hold)]
        return sorted(found, key=lambda hold: (hold.expires_at, hold.operation.id or ""))

    def sweep(self, *wallets):
        """A debit or hold first releases the wallet's oldest expired holds, by operations of their own."""
        for wallet in dict.fromkeys(wallets):
            for hold in self.expired_holds(wallet.holds)[: self.sweeps_left]:
                self.journal.set(self, "sweeps_left", self.sweeps_left - 1)
                self.give_back(self.begin(None), "EXPIRE", hold, "expired")


class Simple(Core):
    """Create, fund, withdraw, transfer, lock, states and limits."""

    def wallet_create(self, function, values):
        replayed = self.replay_of(function, values)
        if replayed is not None:
            return replayed
        if values["wallet_id"] in self.wallets:
            raise errors.wallet_exists()
        wallet = Wallet(None, values["user_id"], values["currency"])
        operation = self.begin(function, values)
        operation.result = wallet
        self.add_row(operation, "CREATED", None, wallet, 0)
        return operation

    def wallet_fund(self, function, values):
        replayed = self.replay_of(function, values)
        if replayed is not None:
            return replayed
        amount = money.parse(values["amount"])
        wallet = self.find(values["wallet_id"])
        self.check_request(wallet, values)
        self.check_active(wallet)
        self.check_ceiling(wallet, amount)
        operation = self.begin(function, values)
        self.add_row(operation, "FUND", None, wallet, amount)
        return operation

    def wallet_withdraw(self, function, values):
        replayed = self.replay_of(function, values)
        if replayed is not None:
            return replayed
        amount = money.parse(values["amount"])
        wallet = self.find(values["wallet_id"])
        self.check_request(wallet, values)
        self.check_active(wallet)
        self.sweep(wallet)
        self.check_floor(wallet, amount)
        operation = self.begin(function, values)
        self.add_row(operation, "WITHDRAW", wallet, None, amount)
        return operation

    def wallet_transfer(self, function, values):
        if values["from_wallet_id"] == values["to_wallet_id"]:
            raise errors.same_wallet(values["from_wallet_id"])
        replayed = self.replay_of(function, values)
        if replayed is not None:
            return replayed
        amount = money.parse(values["amount"])
        payer, payee = self.find(values["from_wallet_id"]), self.find(values["to_wallet_id"])
        self.check_request(payer, values)
        self.check_pair(payer, payee)
        self.sweep(payer)
        self.check_money(payer, payee, amount)
        operation = self.begin(function, values)
        self.add_row(operation, "TRANSFER", payer, payee, amount)
        return operation

    def check_pair(self, payer, payee):
        self.check_active(payer)
        self.check_active(payee)
        self.check_currency(payee, payer)

    def check_money(self, payer, payee, amount):
        self.check_floor(payer, amount)
        self.check_ceiling(payee, amount)

    def wallet_lock(self, _function, values):
        for wallet_id in values["wallet_ids"]:
            self.find(wallet_id)

    def wallet_freeze(self, function, values):
        return self.change_status(function, values, "frozen")

    def wallet_unfreeze(self, function, values):
        return self.change_status(function, values, "active")

    def wallet_close(self, function, values):
        return self.change_status(function, values, "closed")

    def change_status(self, function, values, status):
        replayed = self.replay_of(function, values)
        if replayed is not None:
            return replayed
        wallet = self.find(values["wallet_id"])
        self.check_request(wallet, values)
        self.check_not_closed(wallet)
        if wallet.status == status == "frozen":
            raise errors.wallet_frozen(wallet)
        if wallet.status == status == "active":
            raise errors.wallet_not_frozen(wallet)
        if status == "closed":
            self.sweep(wallet)
            if wallet.balance != 0 or wallet.held != 0:
                raise errors.wallet_not_empty(wallet)
        self.journal.set(wallet, "status", status)
        operation = self.begin(function, values)
        self.add_row(operation, "STATUS", None, wallet, 0)
        return operation

    def wallet_set_limits(self, function, values):
        replayed = self.replay_of(function, values)
        if replayed is not None:
            return replayed
        wallet = self.find(values["wallet_id"])
        self.check_request(wallet, values)
        self.check_not_closed(wallet)
        credit_limit = arguments.optional_amount(values, "credit_limit")
        if credit_limit is not None:
            self.journal.set(wallet, "credit_limit", credit_limit)
        max_balance = arguments.optional_cap(values, "max_balance")
        if max_balance is not None:
            self.journal.set(wallet, "max_balance", None if max_balance == arguments.NO_CAP else max_balance)
        operation = self.begin(function, values)
        self.add_row(operation, "LIMITS", None, wallet, 0)
        return operation


class Holds(Simple):
    """Money reserved, taken, given back, expired."""

    def wallet_hold(self, function, values):
        replayed = self.replay_of(function, values)
        if replayed is not None:
            return replayed
        amount = money.parse(values["amount"])
        wallet = self.find(values["wallet_id"])
        self.check_request(wallet, values)
        self.check_active(wallet)
        self.sweep(wallet)
        # Holds don't draw on the credit limit.
        if self.unheld(wallet) < amount:
            raise errors.insufficient_funds(wallet, self.unheld(wallet), amount)
        operation = self.begin(function, values)
        hold = Hold(operation, wallet, amount, self.now + values["expires_in"] * 1_000_000)
        self.journal.append(wallet.holds, hold)
        self.add_row(operation, "HOLD", wallet, None, amount, hold)
        return operation

    def find_hold(self, hold_id):
        hold = self.holds.get(hold_id)
        if hold is None:
            raise errors.hold_not_found(hold_id)
        return hold

    def wallet_capture(self, function, values):
        replayed = self.replay_of(function, values)
        if replayed is not None:
            return replayed
        hold = self.find_hold(values["hold_id"])
        payer, payee = hold.wallet, None
        if values["to_wallet_id"] == payer.id:
            raise errors.same_wallet(payer.id)
        if values["to_wallet_id"] is not None:
            payee = self.find(values["to_wallet_id"])
        self.check_request(payer, values)
        self.check_active(payer)
        if payee is not None:
            self.check_active(payee)
            self.check_currency(payee, payer)
        self.check_capturable(hold)
        amount = arguments.optional_amount(values, "amount")
        amount = hold.remaining if amount is None else amount
        if amount > hold.remaining:
            raise errors.exceeds_hold(hold, amount)
        # A capture takes what is held, and leaves what is available as it is: it is no debit that would
        # release expired holds, and finds the wallet below its floor only after a forced reversal.
        if self.available(payer) < 0:
            self.may_fail("capture by a wallet below its floor",
                          errors.insufficient_funds(payer, self.available(payer) + amount, amount))
        if payee is not None:
            self.check_ceiling(payee, amount)
        return self.capture(self.begin(function, values), hold, payee, amount, values["final"])

    def check_capturable(self, hold):
        if hold.status == "expired" or (hold.status == "open" and self.is_expired(hold)):
            raise errors.hold_expired(hold)
        if hold.status != "open":
            raise errors.hold_not_open(hold)

    def capture(self, operation, hold, payee, amount, final):
        self.journal.set(hold, "captured", hold.captured + amount)
        self.add_row(operation, "CAPTURE", hold.wallet, payee, amount, hold)
        if final and hold.remaining:
            self.give_back(operation, "RELEASE", hold, "captured")
        elif not hold.remaining:
            self.journal.set(hold, "status", "captured")
        return operation

    def wallet_release(self, function, values):
        replayed = self.replay_of(function, values)
        if replayed is not None:
            return replayed
        hold = self.find_hold(values["hold_id"])
        self.check_request(hold.wallet, values)
        self.check_not_closed(hold.wallet)
        # Expired and not yet swept is released like any other.
        if hold.status == "expired":
            raise errors.hold_expired(hold)
        if hold.status != "open":
            raise errors.hold_not_open(hold)
        operation = self.begin(function, values)
        self.give_back(operation, "RELEASE", hold, "released")
        return operation

    def wallet_expire_holds(self, _function, values):
        expired = self.expired_holds(self.holds.values())[: values["max"]]
        for hold in expired:
            self.give_back(self.begin(None), "EXPIRE", hold, "expired")
        return len(expired)
