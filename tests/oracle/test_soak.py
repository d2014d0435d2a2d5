"""
The generator and the model together, without a server: every function is called with success and
with each error it can raise, and the invariants hold in the model itself.
"""
import random
import unittest

from generate import Generator
from model import Model, WalletError
from model.arguments import PARAMETERS
from statements import Call, Ref, Writer, resolve

CALLS = 20_000

COMMON = {"00000", "22023", "WL005"}
CREDIT = {"WL001", "WL003", "WL004", "WL008", "WL009", "WL010", "22004"}
DEBIT = {"WL001", "WL002", "WL003", "WL004", "WL008", "WL009", "22004"}
# The errors that each function must have met.
REACHED = {
    "wallet_create": COMMON | {"22004", "23505"},
    "wallet_fund": COMMON | CREDIT,
    "wallet_withdraw": COMMON | DEBIT,
    "wallet_transfer": COMMON | CREDIT | DEBIT | {"WL006", "WL007"},
    "wallet_transfer_batch": COMMON | {"22004", "WL002", "WL006", "WL007", "WL008"},
    "wallet_post": COMMON | {"22004", "WL001", "WL002", "WL003", "WL006", "WL007"},
    "wallet_hold": COMMON | DEBIT,
    "wallet_capture": COMMON | {"WL003", "WL004", "WL006", "WL008", "WL010", "WL020", "WL021", "WL022", "WL023"},
    "wallet_release": COMMON | {"22004", "WL004", "WL020", "WL021", "WL022"},
    "wallet_expire_holds": {"00000", "22004", "22023"},
    "wallet_reverse": COMMON | {"WL002", "WL003", "WL004", "WL008", "WL009", "WL030", "WL031", "WL032"},
    "wallet_reverse_force": COMMON | {"WL003", "WL008", "WL030", "WL031", "WL032"},
    "wallet_freeze": COMMON | {"22004", "WL001", "WL008", "WL009"},
    "wallet_unfreeze": COMMON | {"22004", "WL001", "WL009", "WL012"},
    "wallet_close": COMMON | {"22004", "WL001", "WL009", "WL011"},
    "wallet_set_limits": COMMON | {"22004", "WL001", "WL003", "WL009"},
    "wallet_lock": {"00000", "22004", "22023", "WL001"}}


class FakeRunner:
    """Answers a call as a server that agrees with the model would."""

    has_clock = True
    functions = set(PARAMETERS)

    def __init__(self):
        self.model = Model()
        self.model.now = 10**15
        self.ids = {}
        self.refs = {}
        self.count = 0

    def new_id(self):
        self.count += 1
        return f"{self.count:08x}-0000-7000-8000-000000000000"

    def remember(self, ref, value):
        self.ids[ref] = value
        self.refs.setdefault(value, ref)

    def call(self, call):
        given = {name: resolve(value, self.ids) for name, value in call.arguments.items()}
        assert Writer(self.ids).call(call).startswith("SELECT ")
        try:
            result = self.model.call(call.function, given)
        except WalletError as error:
            return error.code
        for operation in self.model.made:
            if operation.result is not operation:
                self.model.bind_wallet(operation.result, given.get("wallet_id") or self.new_id())
            self.model.bind_operation(operation, self.new_id())
        if isinstance(result, list):
            for part, item in enumerate(result):
                if item.operation is not None:
                    self.remember(Ref(call.number, part), item.operation.id)
        elif hasattr(result, "result"):
            self.remember(Ref(call.number), result.result.id)
        self.model.journal.forget()
        return "00000"


class Soak(unittest.TestCase):
    def test_every_error_is_reached_and_the_invariants_hold(self):
        runner = FakeRunner()
        generator = Generator(random.Random(1), runner)
        reached = {}
        for _ in range(CALLS):
            call = generator.call()
            self.assertIsInstance(call, Call)
            reached.setdefault(call.function, set()).add(runner.call(call))
            runner.model.now += generator.random.choice([1, 1_000_000, 20_000_000])
        for function, codes in REACHED.items():
            self.assertEqual(set(), codes - reached[function], f"{function} never met these")
        self.check_conservation(runner.model)
        self.check_wallets(runner.model)

    def check_conservation(self, model):
        outside = {}
        for operation in model.operations.values():
            for row in operation.rows:
                if row.kind in ("FUND", "WITHDRAW", "CAPTURE", "REVERSAL"):
                    moved = row.amount * ((row.payer is None) - (row.payee is None))
                    currency = (row.payer or row.payee).currency
                    outside[currency] = outside.get(currency, 0) + moved
        for currency, moved in outside.items():
            self.assertEqual(moved, sum(w.balance for w in model.wallets.values() if w.currency == currency))

    def check_wallets(self, model):
        for wallet in model.wallets.values():
            self.assertEqual([entry.version for entry in wallet.entries], list(range(wallet.version + 1)))
            last = wallet.entries[-1]
            self.assertEqual((last.balance_after, last.held_after, last.status_after),
                             (wallet.balance, wallet.held, wallet.status))
            self.assertEqual(wallet.held, sum(h.remaining for h in wallet.holds if h.status == "open"))
        for hold in model.holds.values():
            self.assertEqual(hold.status == "open", hold.remaining > 0)


if __name__ == "__main__":
    unittest.main()
