"""
Several sessions at once. What each call does is not predicted here: what must hold is that a key has
one id for all, that what was acknowledged is there and what was rolled back is not, that single calls
never deadlock (INV-11), and the invariants at the end.
"""
import random
import threading
from collections import Counter

import psycopg2

import invariants
from compare import Mismatch
from statements import Call, Writer

WALLETS = 8
# Of those that are made meanwhile only the first are used: few wallets, many waits.
BUSY = 12
FUNDS = "2000"
SHARED_KEYS = 200
ATTEMPTS = 200
RETRY = ("40001", "40P01")
# What a random call may meet here; anything else is a defect.
REFUSALS = {"WL002", "WL004", "WL006", "WL007", "WL008", "WL009", "WL010", "WL011", "WL012", "WL021", "WL022",
            "WL023", "WL031", "WL032"}
WEIGHTS = {
    "wallet_fund": 10, "wallet_withdraw": 10, "wallet_transfer": 40, "wallet_hold": 14, "wallet_capture": 10,
    "wallet_release": 4, "wallet_expire_holds": 2, "wallet_reverse": 8, "wallet_reverse_force": 2,
    "wallet_transfer_batch": 8, "wallet_post": 8, "wallet_freeze": 1, "wallet_unfreeze": 4,
    "wallet_set_limits": 2, "wallet_create": 2}


class Shared:
    """What the members share. A list only grows, so that a member may read it at any time."""

    def __init__(self, functions):
        self.functions = [name for name in WEIGHTS if name in functions]
        self.wallets = []
        self.holds = []
        self.operations = []
        self.lock = threading.Lock()
        self.id_of_key = {}
        self.outcomes = Counter()
        self.failure = None
        self.done = 0

    def count(self, outcome):
        with self.lock:
            self.outcomes[outcome] += 1

    def committed(self, key, returned):
        with self.lock:
            first = self.id_of_key.setdefault(key, returned)
        if first != returned:
            raise Mismatch("INV-5", f"key {key} returned {first} and {returned}")


class Member(threading.Thread):
    """alone: makes single calls only, which never deadlock nor fail to serialize (INV-11)."""

    def __init__(self, shared, session, seed, number, calls, alone):
        super().__init__(name=f"member {number}{' alone' if alone else ''}")
        self.shared = shared
        self.session = session
        # Transactions of several calls deadlock as UPDATEs do; nothing is learnt from waiting a second.
        session.execute("SET deadlock_timeout = '20ms'")
        self.random = random.Random(f"{seed} {number} {alone}")
        self.number = number
        self.calls = calls
        self.alone = alone
        self.keys = 0
        # Operations of this member that are there, and that must not be.
        self.kept = []
        self.gone = []

    def run(self):
        try:
            made = 0
            while made < self.calls and self.shared.failure is None:
                count = 1 if self.alone or self.random.random() < 0.4 else self.random.randint(2, 4)
                calls = [self.call() for _ in range(count)]
                self.unit(calls)
                made += len(calls)
                with self.shared.lock:
                    self.shared.done += len(calls)
        except Exception as failure:  # a thread's end: whatever it is, the run has failed
            self.shared.failure = f"{self.name}: {failure!r}"

    def unit(self, calls):
        """One call by itself or a transaction, until it is not to be retried."""
        single = len(calls) == 1
        isolation = self.random.choice(["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
        rolls_back = not single and self.random.random() < 0.2
        for _ in range(ATTEMPTS):
            try:
                if single:
                    results = [self.execute(calls[0])]
                else:
                    results = self.transaction(calls, isolation, rolls_back)
            except psycopg2.Error as error:
                if error.pgcode not in RETRY or self.alone:
                    raise Mismatch("crowd", f"{error.pgcode} {error} in {calls}") from error
                self.shared.count(error.pgcode)
                continue
            self.settle(calls, results, rolls_back)
            return
        raise Mismatch("crowd", f"no end after {ATTEMPTS} attempts: {calls}")

    def transaction(self, calls, isolation, rolls_back):
        self.session.execute(f"BEGIN ISOLATION LEVEL {isolation}")
        results = []
        try:
            if self.random.random() < 0.5:
                ids = ", ".join(f"'{wallet}'" for wallet in self.shared.wallets[:WALLETS])
                self.session.execute(f"SELECT wallet_lock(ARRAY[{ids}]::uuid[])")
            for call in calls:
                self.session.execute("SAVEPOINT before")
                ids = self.execute(call)
                if ids is None:
                    self.session.execute("ROLLBACK TO before")
                elif self.random.random() < 0.15:
                    self.session.execute("ROLLBACK TO before")
                    self.expect_gone(call, ids)
                    ids = None
                results.append(ids)
            self.session.execute("ROLLBACK" if rolls_back else "COMMIT")
        except psycopg2.Error:
            self.session.execute("ROLLBACK")
            for call, ids in zip(calls, results):
                self.expect_gone(call, ids)
            raise
        return results

    def execute(self, call):
        """The ids that the call returned, None where it was refused."""
        try:
            rows = self.session.execute(Writer({}, grouped=self.session.groups()).call(call))
        except psycopg2.Error as error:
            if error.pgcode not in REFUSALS:
                raise
            self.shared.count(f"{call.function} {error.pgcode}")
            return None
        self.shared.count(f"{call.function} 00000")
        if call.function == "wallet_transfer_batch":
            return [transaction_id for _, transaction_id, *_ in rows]
        return [] if call.function == "wallet_expire_holds" else [rows[0][0]]

    def settle(self, calls, results, rolls_back):
        for call, ids in zip(calls, results):
            if not ids:
                continue
            if rolls_back:
                self.expect_gone(call, ids)
                continue
            if call.function == "wallet_create":
                self.shared.wallets.append(ids[0])
                continue
            self.kept += filter(None, ids)
            key = call.arguments.get("idempotency_key")
            if key is not None:
                self.shared.committed(key, ids[0])
            self.shared.operations += filter(None, ids)
            if call.function == "wallet_hold":
                self.shared.holds.append(ids[0])
            if key is not None and self.random.random() < 0.2:
                self.repeat(call, ids)

    def repeat(self, call, ids):
        """A lost acknowledgement: the same call again."""
        for _ in range(ATTEMPTS):
            try:
                again = self.execute(call)
            except psycopg2.Error as error:
                if error.pgcode not in RETRY or self.alone:
                    raise
                continue
            if again != ids:
                raise Mismatch("INV-5", f"{call} returned {ids}, then {again}")
            return
        raise Mismatch("crowd", f"no end after {ATTEMPTS} attempts: {call}")

    def expect_gone(self, call, ids):
        key = call.arguments.get("idempotency_key") or ""
        if ids and call.function not in ("wallet_create", "wallet_expire_holds") and not key.startswith("shared"):
            self.gone += filter(None, ids)

    # Calls.

    def call(self):
        shared = self.shared
        if self.random.random() < 0.05:
            return self.shared_call(self.random.randrange(SHARED_KEYS))
        function = self.random.choices(shared.functions, [WEIGHTS[name] for name in shared.functions])[0]
        given = self.arguments(function)
        if given is None:
            function, given = "wallet_transfer", self.arguments("wallet_transfer")
        if function not in ("wallet_transfer_batch", "wallet_expire_holds") and self.random.random() < 0.4:
            self.keys += 1
            given["idempotency_key"] = f"{self.name} key {self.keys}"
        return Call(0, function, given)

    def shared_call(self, number):
        """The same request by every member: only one of them does it."""
        wallets = self.shared.wallets
        given = {"amount": str(1 + number % 7), "idempotency_key": f"shared {number}"}
        if number % 2:
            return Call(0, "wallet_fund", {"wallet_id": wallets[number % WALLETS], **given})
        return Call(0, "wallet_transfer", {"from_wallet_id": wallets[number % WALLETS],
                                           "to_wallet_id": wallets[(number + 1) % WALLETS], **given})

    def amount(self):
        return f"{self.random.randint(0, 40)}.{self.random.randint(1, 9999):04d}"

    def wallet(self):
        return self.random.choice(self.shared.wallets[:BUSY])

    def arguments(self, function):
        """None where what the function works on is not there yet."""
        newest = {"wallet_capture": self.shared.holds, "wallet_release": self.shared.holds,
                  "wallet_reverse": self.shared.operations, "wallet_reverse_force": self.shared.operations}
        if function in newest:
            if not newest[function]:
                return None
            chosen = self.random.choice(newest[function][-40:])
        if function == "wallet_create":
            return {"user_id": self.name}
        if function == "wallet_transfer":
            return {"from_wallet_id": self.wallet(), "to_wallet_id": self.wallet(), "amount": self.amount()}
        if function == "wallet_transfer_batch":
            count = self.random.randint(1, 6)
            return {"from_wallet_ids": [self.wallet() for _ in range(count)],
                    "to_wallet_ids": [self.wallet() for _ in range(count)],
                    "amounts": [self.amount() for _ in range(count)], "atomic": self.random.random() < 0.3}
        if function == "wallet_post":
            return {"legs": [(self.wallet(), self.wallet(), self.amount()) for _ in range(self.random.randint(1, 4))]}
        if function == "wallet_capture":
            return {"hold_id": chosen, "amount": self.amount(), "final": self.random.random() < 0.5,
                    "to_wallet_id": self.random.choice([None, self.wallet()])}
        if function == "wallet_release":
            return {"hold_id": chosen}
        if function in newest:
            return {"transaction_id": chosen, "amount": self.random.choice([None, self.amount()])}
        if function == "wallet_expire_holds":
            return {}
        given = {"wallet_id": self.wallet()}
        if function in ("wallet_fund", "wallet_withdraw", "wallet_hold"):
            given["amount"] = self.amount()
        if function == "wallet_hold":
            # A millisecond now and then: it expires while others work on the wallet.
            given["expires_in"] = self.random.choice([3600, 0.001, 0.05])
        if function == "wallet_set_limits":
            given["credit_limit"] = self.random.choice(["0", "100"])
        return given


def let_run(crowd, shared, progress):
    for member in crowd:
        member.start()
    for member in crowd:
        while member.is_alive():
            member.join(0.2)
            progress(shared.done)
    for member in crowd:
        member.session.close()
    if shared.failure:
        raise Mismatch("crowd", shared.failure)


def run(server, database, functions, seed, members, calls, progress):
    """Returns the outcomes counted; Mismatch where something does not hold."""
    shared = Shared(functions)
    first = server.connect(database)
    for number in range(WALLETS):
        currency = "EUR" if number == WALLETS - 1 else "USD"
        wallet = first.execute(f"SELECT wallet_create('crowd', '{currency}')")[0][0]
        first.execute(f"SELECT wallet_fund('{wallet}', {FUNDS})")
        shared.wallets.append(wallet)
    everybody = []
    for alone in (True, False):
        crowd = [Member(shared, server.connect(database), seed, number, calls // members // 2, alone)
                 for number in range(members)]
        everybody += crowd
        let_run(crowd, shared, progress)
    check(first, everybody)
    first.close()
    return shared.outcomes


def check(session, crowd):
    present = {row[0] for row in session.execute("SELECT transaction_id FROM wallet_ledger")}
    for member in crowd:
        lost = [one for one in member.kept if one not in present]
        back = [one for one in member.gone if one in present]
        if lost or back:
            raise Mismatch("INV-6", f"acknowledged and not there: {lost[:5]}; rolled back and there: {back[:5]}")
    for name, rows in invariants.broken(session):
        raise Mismatch(name, f"{rows}")
