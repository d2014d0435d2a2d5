"""
Random statements from a seed: mostly calls that can succeed, as the model knows balances, holds and
operations; a part of them is spoiled, repeated, or repeated with a change.
"""
from collections import deque

from model import ITEM_COLUMNS, arguments, money
from statements import Call, Read, Ref, RollbackTo, Savepoint, Unit, resolve

# How often a function is called, of those that exist.
WEIGHTS = {
    "wallet_create": 4, "wallet_fund": 14, "wallet_withdraw": 10, "wallet_transfer": 22, "wallet_lock": 2,
    "wallet_hold": 14, "wallet_capture": 10, "wallet_release": 4, "wallet_expire_holds": 3, "wallet_reverse": 9,
    "wallet_reverse_force": 3, "wallet_transfer_batch": 6, "wallet_post": 6, "wallet_freeze": 3,
    "wallet_unfreeze": 3, "wallet_close": 1, "wallet_set_limits": 4}
READS = ["wallet_lookup", "wallet_balance_at", "wallet_statement"]
SESSIONS = 4
# Wallets that calls name: the newest ones.
POOL = 20
ISOLATION = ["READ COMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]
DAY = 86400
METADATA = ["{}", '{"order": 17}', '{"b": [1, 2.50, null], "a": {"ü": true}}']
NOWHERE = "feedface-0000-4000-8000-000000000001"

ARRAYS = ("uuids", "amounts", "keys", "metadatas", "versions", "legs")
BAD = {
    "user": [None, "", "u" * 101, "ü" * 101, " u", "u\u3000", "u\nu", "u\x85", "u\u200f", "\u2060u"],
    "currency": [None, "", "usd", "US", "1SD", "ABCDEFGHIJK", "US D", "USD\n"],
    "uuid": [None, arguments.NIL, NOWHERE],
    "key": ["", "k" * 256, "ü" * 128, "k\tk", "\u0085k"],
    "version": [-1, 0, 10**15],
    "metadata": ["[]", "null", '"text"', "7", '{"text": "%s"}' % ("m" * 8181), '{"a": %s}' % ("[" * 32 + "]" * 32),
                 '{"a": [1, %s]}' % ("1" * 101), '{"a": 1e100}', '{"a": {"b": 1.5e-100}}'],
    "amount": [None, "NaN", "Infinity", "-Infinity", "0", "-1", "0.00001", "1.00001", "1000000000000000",
               "999999999999999.9999", "-0.0001", "1e200", "1e-200"],
    "limit": ["NaN", "Infinity", "-1", "-0.0001", "0.00001", "1000000000000000", "999999999999999.9999", "0"],
    "cap": ["NaN", "-Infinity", "-1", "0.00001", "1000000000000000", "inf", "0"],
    "interval": [None, 0, -1],
    "bool": [None],
    "max": [None, -1, 0],
    "lock_ids": [None, [None], [arguments.NIL], [NOWHERE], [NOWHERE] * (arguments.ITEMS + 1), []],
    "uuids": [None, [], [None], [arguments.NIL], [NOWHERE]],
    "amounts": [None, [], [None], ["NaN"], ["0"]],
    "keys": [[], [""], ["k" * 256], [None]],
    "metadatas": [[], ["[]"], [None], ['{"a": 1e100}']],
    "versions": [[], [-1], [0], [None]],
    "legs": [None, [], [None], [(None, NOWHERE, "1")], [(NOWHERE, NOWHERE, "1")], [(NOWHERE, arguments.NIL, "NaN")],
             [(NOWHERE, "feedface-0000-4000-8000-000000000003", "0.00001")],
             [(NOWHERE, "feedface-0000-4000-8000-000000000002", "1")] * (arguments.ITEMS + 1)]}


class Generator:
    """runner: whose model the next statement is chosen by."""

    def __init__(self, random, runner):
        self.random = random
        self.runner = runner
        self.model = runner.model
        self.number = 0
        self.keys = 0
        self.recent = deque(maxlen=60)
        self.functions = [name for name in WEIGHTS if name in runner.functions]
        self.weights = [WEIGHTS[name] for name in self.functions]
        self.reads = [name for name in READS if name in runner.functions]

    def chance(self, probability):
        return self.random.random() < probability

    # Units.

    def unit(self):
        """An empty unit, and what produces its statements."""
        unit = Unit(self.random.randrange(SESSIONS), [])
        if self.chance(0.04):
            unit.advance = self.random.choice([30, 30, 90, 700, 4000]) * 1000
        if self.chance(0.7):
            return unit, self.single()
        unit.isolation = self.random.choice(ISOLATION)
        unit.read_only = self.chance(0.03)
        unit.commit = self.chance(0.75)
        return unit, self.transaction(self.random.randint(1, 6))

    def single(self):
        statements = iter([self.statement])

        def produce(_failed):
            make = next(statements, None)
            return make and make()

        return produce

    def transaction(self, length):
        names = []
        left = [length]

        def produce(failed):
            if left[0] <= 0 or (failed and not names):
                return None
            left[0] -= 1
            if names and (failed or self.chance(0.1)):
                name = self.random.choice(names)
                del names[names.index(name) + 1 :]
                return RollbackTo(name)
            if self.chance(0.25):
                names.append(f"s{len(names)}")
                left[0] += 1
                return Savepoint(names[-1])
            return self.statement()

        return produce

    def statement(self):
        if self.reads and self.chance(0.05):
            read = self.read()
            if read is not None:
                return read
        return self.call()

    def read(self):
        function = self.random.choice(self.reads)
        if function == "wallet_lookup":
            keyed = [call.arguments.get("idempotency_key") for call in self.recent] or ["nothing"]
            return Read(function, Ref(0), key=self.random.choice(keyed) or "nothing")
        wallet = self.some_wallet()
        if wallet is None:
            return None
        times = sorted((self.random.randint(0, wallet.version), self.random.choice([-1, 0, 1])) for _ in range(2))
        if function == "wallet_balance_at":
            return Read(function, self.ref(wallet.id), times[:1])
        return Read(function, self.ref(wallet.id), [time if self.chance(0.8) else None for time in times])

    # Calls.

    def call(self):
        pool = self.pool()
        if sum(wallet.status == "active" for wallet in pool) < 8 and self.chance(0.7):
            call = self.new("wallet_create")
        elif self.recent and self.chance(0.1):
            call = self.again(self.random.choice(self.recent))
        else:
            call = self.new(self.random.choices(self.functions, self.weights)[0])
        if "idempotency_key" in call.arguments or call.arguments.get("idempotency_keys"):
            self.recent.append(call)
        return call

    def new(self, function):
        call = Call(self.next_number(), function, getattr(self, function)())
        self.add_common(call)
        if self.chance(0.15):
            self.spoil(call)
        if self.chance(0.03):
            self.spoil(call)
        return call

    def next_number(self):
        self.number += 1
        return self.number

    def key(self):
        self.keys += 1
        return self.random.choice(["", "order ", "schlüssel-", "k" * 240]) + str(self.keys)

    def add_common(self, call):
        names = {name for name, _, _, _ in arguments.PARAMETERS[call.function]}
        if "idempotency_key" in names and self.chance(0.4):
            call.arguments["idempotency_key"] = self.key()
        if "metadata" in names and self.chance(0.2):
            call.arguments["metadata"] = self.random.choice(
                [*METADATA, '{"text": "%s"}' % ("m" * 8180), '{"a": %s}' % ("[" * 31 + "]" * 31), '{"a": %s}' % ("1" * 100)])
        if "expected_version" in names and self.chance(0.15):
            wallet = self.first_wallet(call)
            if wallet is not None:
                call.arguments["expected_version"] = max(0, wallet.version + self.random.choice([0, 0, 0, 1, -1]))

    def first_wallet(self, call):
        for name in ("wallet_id", "from_wallet_id"):
            wallet = self.model.wallets.get(self.resolved(call.arguments.get(name)))
            if wallet is not None:
                return wallet
        if "hold_id" in call.arguments:
            hold = self.model.holds.get(self.resolved(call.arguments["hold_id"]))
            return hold and hold.wallet
        if "transaction_id" in call.arguments:
            operation = self.model.operations.get(self.resolved(call.arguments["transaction_id"]))
            row = operation and operation.rows[0]
            return row and (row.payee or row.payer)
        legs = call.arguments.get("legs")
        return self.model.wallets.get(self.resolved(legs[0][0])) if legs else None

    def spoil(self, call):
        """One argument becomes a bad one."""
        name, kind, _, _ = self.random.choice(arguments.PARAMETERS[call.function])
        value = self.random.choice(BAD[kind])
        now = call.arguments.get(name)
        if isinstance(now, list) and now and kind in ARRAYS and self.chance(0.8):
            value = list(now)
            bad = self.random.choice([bad for bad in BAD[kind] if bad])[0]
            value[self.random.randrange(len(value))] = bad
        # A wallet of that id must never be.
        call.arguments[name] = arguments.NIL if (call.function, value) == ("wallet_create", NOWHERE) else value

    def again(self, old):
        """The same key: the same request, a changed one, or another function."""
        if old.function in ("wallet_transfer", "wallet_transfer_batch") and self.chance(0.5):
            other = self.other_way(old)
            if all(other.arguments.get(name) for name in ("from_wallet_id", "to_wallet_id", "amount")
                   if other.function == "wallet_transfer"):
                return other
        call = Call(self.next_number(), old.function, dict(old.arguments))
        if self.chance(0.5) or old.function == "wallet_transfer_batch":
            return call
        key = call.arguments["idempotency_key"]
        if self.chance(0.35):
            call = self.new(self.random.choice([name for name in self.functions if any(
                parameter == arguments.KEY for parameter in arguments.PARAMETERS[name])]))
        else:
            fresh = self.new(old.function)
            names = [name for name, _, _, _ in arguments.PARAMETERS[old.function] if name != "idempotency_key"]
            name = self.random.choice(names)
            if name in fresh.arguments:
                call.arguments[name] = fresh.arguments[name]
            elif name == "metadata" and name not in call.arguments:
                call.arguments[name] = '{"again": true}'
            else:
                call.arguments.pop(name, None)
        call.arguments["idempotency_key"] = key
        return call

    def other_way(self, old):
        """A transfer again as a batch of one, an item of a batch again as a transfer."""
        given = old.arguments
        if old.function == "wallet_transfer":
            columns = {column: [given[name]] for name, column in ITEM_COLUMNS.items() if name in given}
            return Call(self.next_number(), "wallet_transfer_batch", {"atomic": self.chance(0.5), **columns})
        columns = {name: given[column] for name, column in ITEM_COLUMNS.items() if given.get(column)}
        item = self.random.randrange(min(map(len, columns.values())))
        call = Call(self.next_number(), "wallet_transfer", {name: values[item] for name, values in columns.items()})
        if given.get("metadata") is not None:
            call.arguments.setdefault("metadata", given["metadata"])
        return call

    # What arguments are made of.

    def resolved(self, value):
        return resolve(value, self.runner.ids)

    def ref(self, some_id):
        return self.runner.refs.get(some_id, some_id)

    def pool(self):
        return list(self.model.wallets.values())[-POOL:]

    def some_wallet(self, wanted=None):
        pool = self.pool()
        if wanted is not None and self.chance(0.9):
            pool = [wallet for wallet in pool if wanted(wallet)] or pool
        return self.random.choice(pool) if pool else None

    def wallet_ref(self, wanted=None):
        wallet = self.some_wallet(wanted)
        return self.ref(wallet.id) if wallet else NOWHERE

    def amount(self, near=0):
        """As text, around what is there or any."""
        if near > 0 and self.chance(0.45):
            units = self.random.choice([near, near + 1, max(near - 1, 1), near // 2 + 1, near // 3 + 1])
            return money.text(min(units, money.LARGEST))
        return self.random.choice([
            f"{self.random.randint(1, 300)}", f"{self.random.randint(1, 300)}.{self.random.randint(0, 9999):04d}",
            f"{self.random.randint(1, 99)}.5000000", "1e2", "0.0001", "100.0"])

    def pair(self):
        """Payer and payee, mostly of one currency."""
        payer = self.some_wallet(lambda wallet: wallet.status == "active" and self.model.available(wallet) > 0)
        if payer is None:
            return NOWHERE, arguments.NIL, 0
        payee = self.some_wallet(lambda wallet: wallet.currency == payer.currency and wallet is not payer
                                 and wallet.status == "active")
        return self.ref(payer.id), self.ref(payee.id), self.model.available(payer)

    # The functions.

    def wallet_create(self):
        given = {"user_id": self.random.choice(["alice", "bob", "ü" * 100, "o'hara"])}
        if self.chance(0.4):
            given["currency"] = self.random.choice(["USD", "EUR", "EUR", "ABC1234567", "JPY", "BHD"])
        if self.chance(0.4):
            given["wallet_id"] = f"{self.random.getrandbits(32):08x}-1111-4000-8000-{self.random.getrandbits(40):012x}"
        if self.chance(0.1):
            given["wallet_id"] = self.ref(self.some_wallet().id) if self.pool() else arguments.NIL
        return given

    def wallet_fund(self):
        wallet = self.some_wallet(lambda wallet: wallet.status == "active")
        if wallet is None:
            return {"wallet_id": NOWHERE, "amount": "1"}
        limit = money.LARGEST if self.chance(0.02) else wallet.max_balance or 0
        return {"wallet_id": self.ref(wallet.id), "amount": self.amount(limit - wallet.balance)}

    def wallet_withdraw(self):
        wallet = self.some_wallet(lambda wallet: wallet.status == "active")
        near = self.model.available(wallet) if wallet else 0
        return {"wallet_id": self.ref(wallet.id) if wallet else NOWHERE, "amount": self.amount(near)}

    def wallet_transfer(self):
        payer, payee, near = self.pair()
        return {"from_wallet_id": payer, "to_wallet_id": payee, "amount": self.amount(near)}

    def wallet_lock(self):
        return {"wallet_ids": [self.wallet_ref() for _ in range(self.random.randint(0, 4))]}

    def wallet_transfer_batch(self):
        items = [self.pair() for _ in range(self.random.choice([0, 1, 2, 3, 5, 8]))]
        given = {"from_wallet_ids": [item[0] for item in items], "to_wallet_ids": [item[1] for item in items],
                 "amounts": [self.amount(near if self.chance(0.3) else 0) for _, _, near in items]}
        if self.chance(0.5):
            keys = [self.key() if self.chance(0.7) else None for _ in items]
            if len(keys) > 1 and self.chance(0.3):
                keys[-1] = keys[0]
            if keys and self.recent and self.chance(0.2):
                keys[-1] = self.random.choice(self.recent).arguments.get("idempotency_key")
            given["idempotency_keys"] = keys
        if self.chance(0.3):
            given["item_metadata"] = [self.random.choice([None, *METADATA]) for _ in items]
        if self.chance(0.3):
            given["expected_versions"] = [self.item_version(payer) for payer, _, _ in items]
        if self.chance(0.6):
            given["atomic"] = self.chance(0.3)
        return given

    def item_version(self, payer):
        wallet = self.model.wallets.get(self.resolved(payer))
        return wallet.version + self.random.choice([0, 0, 1]) if wallet and self.chance(0.5) else None

    def wallet_post(self):
        legs = []
        for _ in range(self.random.choice([1, 2, 2, 3, 5])):
            payer, payee, near = self.pair()
            if legs and self.chance(0.4):
                payer = legs[-1][1]
            legs.append((payer, payee, self.amount(near if self.chance(0.3) else 0)))
        return {"legs": legs}

    def wallet_hold(self):
        wallet = self.some_wallet(lambda wallet: wallet.status == "active" and wallet.balance > wallet.held)
        near = wallet.balance - wallet.held if wallet else 0
        given = {"wallet_id": self.ref(wallet.id) if wallet else NOWHERE, "amount": self.amount(near)}
        if self.runner.has_clock and self.chance(0.7):
            given["expires_in"] = self.random.choice([60, 600, 3600])
        elif self.chance(0.3):
            given["expires_in"] = self.random.choice([30 * DAY, 7 * DAY, 365 * DAY])
        return given

    def some_hold(self):
        holds = list(self.model.holds.values())[-80:]
        if self.chance(0.85):
            holds = [hold for hold in holds if hold.status == "open"] or holds
        return self.random.choice(holds) if holds else None

    def wallet_capture(self):
        hold = self.some_hold()
        if hold is None:
            return {"hold_id": NOWHERE}
        given = {"hold_id": self.ref(hold.operation.id)}
        if self.chance(0.6):
            given["to_wallet_id"] = self.wallet_ref(lambda wallet: wallet.currency == hold.wallet.currency
                                                    and wallet is not hold.wallet and wallet.status == "active")
        if self.chance(0.6):
            given["amount"] = self.amount(hold.remaining)
        if self.chance(0.5):
            given["final"] = self.chance(0.3)
        return given

    def wallet_release(self):
        hold = self.some_hold()
        return {"hold_id": self.ref(hold.operation.id) if hold else NOWHERE}

    def wallet_expire_holds(self):
        return {"max": self.random.choice([1, 2, 1000])} if self.chance(0.6) else {}

    def wallet_reverse(self):
        operations = [operation for operation in list(self.model.operations.values())[-120:]
                      if operation.id in self.runner.refs]
        if self.chance(0.9):
            operations = [operation for operation in operations
                          if operation.kind in ("FUND", "WITHDRAW", "TRANSFER", "CAPTURE")] or operations
        if self.chance(0.3):
            operations = [operation for operation in operations if len(operation.rows) > 1] or operations
        if not operations:
            return {"transaction_id": NOWHERE}
        operation = self.random.choice(operations)
        given = {"transaction_id": self.ref(operation.id)}
        if self.chance(0.7):
            given["amount"] = self.amount(operation.rows[0].amount - operation.rows[0].reversed)
        return given

    def wallet_reverse_force(self):
        return self.wallet_reverse()

    def wallet_freeze(self):
        return {"wallet_id": self.wallet_ref(lambda wallet: wallet.status == "active")}

    def wallet_unfreeze(self):
        return {"wallet_id": self.wallet_ref(lambda wallet: wallet.status == "frozen")}

    def wallet_close(self):
        return {"wallet_id": self.wallet_ref(lambda wallet: wallet.balance == 0 and wallet.status != "closed")}

    def wallet_set_limits(self):
        given = {"wallet_id": self.wallet_ref(lambda wallet: wallet.status != "closed")}
        if self.chance(0.6):
            given["credit_limit"] = self.random.choice(["0", "50", "1000.0000", "999999999999999.9999"])
        if self.chance(0.5):
            given["max_balance"] = self.random.choice(["0", "500", "2000.5", "999999999999999.9999", "Infinity"])
        return given
