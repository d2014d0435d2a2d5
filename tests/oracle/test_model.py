"""Cases of the reference model, computed by hand from the contract."""
import random
import unittest
from fractions import Fraction

from model import Amount, Model, Sent, WalletError, money

SECOND = 1_000_000
UNKNOWN = "feedface-0000-4000-8000-000000000001"
NIL = "00000000-0000-0000-0000-000000000000"


class ModelCase(unittest.TestCase):
    """A model whose new operations and wallets get the ids t1, t2 and so on; amounts are texts."""

    def setUp(self):
        self.model = Model()
        self.model.now = 1_000_000 * SECOND
        self.next_id = 0
        self.a = self.wallet()
        self.b = self.wallet()

    def wallet(self, balance=None, **given):
        wallet = self.do("wallet_create", user_id="alice", **given)
        if balance:
            self.do("wallet_fund", wallet_id=wallet, amount=balance)
        return wallet

    def new_id(self):
        self.next_id += 1
        return f"t{self.next_id}"

    def do(self, function, **given):
        result = self.model.call(function, given)
        for operation in self.model.made:
            wallet = operation.result
            if operation is not wallet:
                self.model.bind_wallet(wallet, dict(operation.request)["wallet_id"] or self.new_id())
            self.model.bind_operation(operation, self.new_id())
            for row in operation.rows:
                for side in filter(None, (row.payer, row.payee)):
                    for entry in side.entries:
                        entry.created_at = entry.created_at or self.model.now
        if isinstance(result, list):
            return [(item.operation and item.operation.id, item.code) for item in result]
        return result.result.id if hasattr(result, "result") else result

    def fund(self, wallet, amount, **given):
        return self.do("wallet_fund", wallet_id=wallet, amount=amount, **given)

    def withdraw(self, wallet, amount, **given):
        return self.do("wallet_withdraw", wallet_id=wallet, amount=amount, **given)

    def transfer(self, payer, payee, amount, **given):
        return self.do("wallet_transfer", from_wallet_id=payer, to_wallet_id=payee, amount=amount, **given)

    def hold(self, wallet, amount, **given):
        return self.do("wallet_hold", wallet_id=wallet, amount=amount, **given)

    def batch(self, *items, **given):
        return self.do("wallet_transfer_batch", from_wallet_ids=[item[0] for item in items],
                       to_wallet_ids=[item[1] for item in items], amounts=[item[2] for item in items], **given)

    def fails(self, code, function, observed=None, **given):
        """Fails with the code and changes nothing; returns the DETAIL, amounts as texts."""
        before = [self.state(wallet) for wallet in self.model.wallets]
        with self.assertRaises(WalletError) as caught:
            self.model.call(function, given, observed)
        self.assertEqual(caught.exception.code, code)
        self.assertEqual(before, [self.state(wallet) for wallet in self.model.wallets])
        self.index = caught.exception.index
        return {name: money.text(value.units) if isinstance(value, Amount)
                else value.text if isinstance(value, Sent) else value
                for name, value in (caught.exception.detail or {}).items()}

    def state(self, wallet_id):
        wallet = self.model.wallets[wallet_id]
        return (money.text(wallet.balance), money.text(wallet.held), wallet.version, wallet.status)

    def entries(self, wallet_id, since=0):
        return [(entry.type, money.text(entry.row.amount), money.text(entry.balance_after),
                 money.text(entry.held_after)) for entry in self.model.wallets[wallet_id].entries[since:]]

    def pass_time(self, seconds):
        self.model.now += seconds * SECOND


class Money(unittest.TestCase):
    def test_exact(self):
        for text, units in (("1.00000", 10000), ("0.0001", 1), ("1e2", 1000000), ("-5", -50000),
                            ("999999999999999.9999", money.LARGEST), ("0", 0), ("1.50e1", 150000)):
            self.assertEqual(money.parse(text), units, text)

    def test_refused(self):
        for text in ("NaN", "Infinity", "-Infinity", "0.00001", "1.00001", "1000000000000000", "1e200", "1e-200"):
            with self.assertRaises(money.NotMoney, msg=text):
                money.parse(text)

    def test_text(self):
        self.assertEqual([money.text(units) for units in (0, 1, -1, 745000, -10000)],
                         ["0.0000", "0.0001", "-0.0001", "74.5000", "-1.0000"])

    def test_share(self):
        # A third of 1 is rounded down, two thirds up; half a unit goes away from zero.
        self.assertEqual([money.share(10000, done, 3) for done in (0, 1, 2, 3)], [0, 3333, 6667, 10000])
        self.assertEqual([money.share(1, done, 2) for done in (0, 1, 2)], [0, 1, 1])
        # At two decimals: 0.60 of 10 of 20 is 0.30, of 10 of 21 it is 0.2857.
        self.assertEqual(money.share(6000, 10, 20, scale=2), 3000)
        self.assertEqual(money.share(6000, 10, 21, scale=2), 2900)
        self.assertEqual(money.share(money.LARGEST, money.LARGEST, money.LARGEST), money.LARGEST)


class Simple(ModelCase):
    def test_versions_and_entries(self):
        self.fund(self.a, "100")
        self.transfer(self.a, self.b, "25.5")
        self.assertEqual(self.state(self.a), ("74.5000", "0.0000", 2, "active"))
        self.assertEqual(self.entries(self.a), [
            ("CREATED", "0.0000", "0.0000", "0.0000"), ("FUND", "100.0000", "100.0000", "0.0000"),
            ("TRANSFER_OUT", "25.5000", "74.5000", "0.0000")])
        self.assertEqual(self.entries(self.b, 1), [("TRANSFER_IN", "25.5000", "25.5000", "0.0000")])

    def test_insufficient_funds(self):
        self.fund(self.a, "10")
        self.assertEqual(self.fails("WL002", "wallet_withdraw", wallet_id=self.a, amount="10.0001"),
                         {"wallet_id": self.a, "available": "10.0000", "requested": "10.0001"})

    def test_null_comes_before_malformed_and_that_before_the_amount(self):
        self.fails("22004", "wallet_fund", wallet_id=NIL, amount=None)
        self.fails("22023", "wallet_fund", wallet_id=NIL, amount="NaN")
        self.fails("WL003", "wallet_transfer", from_wallet_id=self.a, to_wallet_id=self.a, amount="0")
        self.fails("WL007", "wallet_transfer", from_wallet_id=UNKNOWN, to_wallet_id=UNKNOWN, amount="1")

    def test_read_only_comes_first(self):
        self.model.read_only = True
        self.fails("25006", "wallet_fund", wallet_id=None, amount=None)

    def test_malformed(self):
        for given in ({"user_id": ""}, {"user_id": "u" * 101}, {"currency": "usd"}, {"currency": "USD\n"},
                      {"idempotency_key": ""}, {"idempotency_key": "ü" * 128}, {"metadata": "[]"},
                      {"metadata": "null"}, {"wallet_id": NIL}):
            self.fails("22023", "wallet_create", **{"user_id": "u", **given})
        self.do("wallet_create", user_id="ü" * 100, idempotency_key="ü" * 127, currency="A23")

    def test_what_nobody_could_read(self):
        for name in (" alice", "alice ", "\u00a0a", "a\tb", "a\x7f", "a\x85b", "a\u200bb", "\u202ea", "a\u2066", "\ufeffa"):
            self.assertEqual(self.fails("22023", "wallet_create", user_id=name), {"argument": "user_id"}, repr(name))
        self.do("wallet_create", user_id="a b")
        self.fails("22023", "wallet_fund", wallet_id=self.a, amount="1", idempotency_key="k\n")
        nested = '{"a": %s}'
        self.fund(self.a, "1", metadata=nested % ("[" * 31 + "]" * 31), idempotency_key="a\u200b")
        self.fails("22023", "wallet_fund", wallet_id=self.a, amount="1", metadata=nested % ("[" * 32 + "]" * 32))
        for number in ("1" * 100, "1e99", "0." + "1" * 99, "-1.5e-98"):
            self.fund(self.a, "1", metadata=nested % number)
        for number in ("1" * 101, "1e100", "[0.%s]" % ("1" * 100), "-1.5e-99"):
            self.assertEqual(self.fails("22023", "wallet_fund", wallet_id=self.a, amount="1", metadata=nested % number),
                             {"argument": "metadata"})

    def test_metadata_is_measured_as_text(self):
        # {"text": "..."} has 12 characters around the text.
        self.fund(self.a, "1", metadata='{"text":"%s"}' % ("m" * 8180))
        self.fails("22023", "wallet_fund", wallet_id=self.a, amount="1", metadata='{"text":"%s"}' % ("m" * 8181))

    def test_wallet_exists(self):
        self.fails("23505", "wallet_create", user_id="u", wallet_id=self.a)

    def test_version_comes_before_closed_and_after_unknown(self):
        self.do("wallet_close", wallet_id=self.a)
        self.assertEqual(self.fails("WL004", "wallet_fund", wallet_id=self.a, amount="1", expected_version=0),
                         {"wallet_id": self.a, "expected": 0, "actual": 1})
        self.fails("WL009", "wallet_fund", wallet_id=self.a, amount="1", expected_version=1)
        self.fails("WL001", "wallet_fund", wallet_id=UNKNOWN, amount="1", expected_version=5)

    def test_the_first_named_wallet_is_reported_first(self):
        self.do("wallet_freeze", wallet_id=self.a)
        self.do("wallet_close", wallet_id=self.b)
        self.assertEqual(self.fails("WL008", "wallet_transfer", from_wallet_id=self.a, to_wallet_id=self.b,
                                    amount="1"), {"wallet_id": self.a})
        self.assertEqual(self.fails("WL009", "wallet_transfer", from_wallet_id=self.b, to_wallet_id=self.a,
                                    amount="1"), {"wallet_id": self.b})

    def test_currency_comes_before_money(self):
        euro = self.wallet(currency="EUR")
        self.assertEqual(self.fails("WL006", "wallet_transfer", from_wallet_id=self.a, to_wallet_id=euro,
                                    amount="1"), {"wallet_id": euro, "expected": "USD", "actual": "EUR"})

    def test_scale_comes_after_the_wallet_and_before_the_version(self):
        yen, dinar = self.wallet("100", currency="JPY"), self.wallet("1.005", currency="BHD")
        self.assertEqual(self.fails("WL003", "wallet_fund", wallet_id=yen, amount="0.50", expected_version=7),
                         {"argument": "amount", "value": "0.50", "scale": 0})
        self.fails("WL001", "wallet_fund", wallet_id=UNKNOWN, amount="0.5")
        self.fails("WL003", "wallet_transfer", from_wallet_id=yen, to_wallet_id=dinar, amount="0.5")
        self.fails("WL006", "wallet_transfer", from_wallet_id=dinar, to_wallet_id=yen, amount="0.005")
        self.assertEqual(self.fails("WL003", "wallet_withdraw", wallet_id=dinar, amount="0.0005"),
                         {"argument": "amount", "value": "0.0005", "scale": 3})
        self.assertEqual(self.fails("WL003", "wallet_set_limits", wallet_id=yen, credit_limit="1.00", max_balance="7.5"),
                         {"argument": "max_balance", "value": "7.5", "scale": 0})
        self.do("wallet_set_limits", wallet_id=yen, max_balance="Infinity")
        self.assertEqual(self.fails("WL003", "wallet_post", legs=[(self.a, self.b, "0.0001"), (yen, dinar, "1.5")]),
                         {"argument": "amount", "value": "1.5", "scale": 0})
        self.assertEqual(self.index, 2)

    def test_shares_of_a_reversal_keep_to_the_scale(self):
        yen, shop, fee = self.wallet("100", currency="JPY"), self.wallet(currency="JPY"), self.wallet(currency="JPY")
        sale = self.do("wallet_post", legs=[(yen, shop, "20"), (shop, fee, "3")])
        self.do("wallet_reverse", transaction_id=sale, amount="10")
        # Half of 3 is 1.5, away from zero 2; 13 of 20 is 1.95 of 3, and so 2 in all.
        self.assertEqual(self.model.wallets[fee].balance, 1 * money.UNIT)
        self.do("wallet_reverse", transaction_id=sale, amount="3")
        self.assertEqual(self.model.wallets[fee].balance, 1 * money.UNIT)
        self.fails("WL003", "wallet_reverse", transaction_id=sale, amount="0.5")
        self.do("wallet_reverse", transaction_id=sale)
        self.assertEqual(self.model.wallets[fee].balance, 0)

    def test_money_of_the_payer_comes_before_the_limit_of_the_payee(self):
        self.do("wallet_set_limits", wallet_id=self.b, max_balance="5")
        self.fails("WL002", "wallet_transfer", from_wallet_id=self.a, to_wallet_id=self.b, amount="6")
        self.fund(self.a, "6")
        self.assertEqual(self.fails("WL010", "wallet_transfer", from_wallet_id=self.a, to_wallet_id=self.b,
                                    amount="5.0001"), {"wallet_id": self.b})
        self.transfer(self.a, self.b, "5")

    def test_largest_balance(self):
        self.fund(self.a, "999999999999999.9999")
        self.fails("WL010", "wallet_fund", wallet_id=self.a, amount="0.0001")

    def test_limits(self):
        self.do("wallet_set_limits", wallet_id=self.a, credit_limit="10", max_balance="3")
        self.withdraw(self.a, "10")
        self.fails("WL002", "wallet_withdraw", wallet_id=self.a, amount="0.0001")
        # Lowering blocks later calls only; NULL leaves a limit as it is, Infinity lifts the cap.
        self.do("wallet_set_limits", wallet_id=self.a, credit_limit="2")
        self.assertEqual(self.fails("WL002", "wallet_withdraw", wallet_id=self.a, amount="1")["available"], "-8.0000")
        self.assertEqual(self.fails("22023", "wallet_set_limits", wallet_id=self.a), {"argument": "credit_limit"})
        self.fails("WL010", "wallet_fund", wallet_id=self.a, amount="14")
        self.do("wallet_set_limits", wallet_id=self.a, max_balance="Infinity", idempotency_key="k")
        self.fund(self.a, "14")
        self.assertEqual(self.fails("WL005", "wallet_set_limits", wallet_id=self.a, max_balance="4", idempotency_key="k")["stored"],
                         "Infinity")
        self.fails("WL003", "wallet_set_limits", wallet_id=self.a, max_balance="-Infinity")
        self.fails("WL003", "wallet_set_limits", wallet_id=self.a, credit_limit="Infinity")
        self.fails("WL003", "wallet_set_limits", wallet_id=self.a, credit_limit="-1")

    def test_states(self):
        self.fails("WL012", "wallet_unfreeze", wallet_id=self.a)
        self.do("wallet_freeze", wallet_id=self.a)
        self.fails("WL008", "wallet_freeze", wallet_id=self.a)
        self.do("wallet_set_limits", wallet_id=self.a, credit_limit="1")
        self.do("wallet_close", wallet_id=self.a)
        self.fails("WL009", "wallet_unfreeze", wallet_id=self.a)
        self.fund(self.b, "1")
        self.assertEqual(self.fails("WL011", "wallet_close", wallet_id=self.b),
                         {"wallet_id": self.b, "balance": "1.0000", "held": "0.0000"})

    def test_close_releases_what_has_expired(self):
        deposit = self.fund(self.a, "10")
        self.hold(self.a, "10", expires_in=1)
        self.do("wallet_reverse_force", transaction_id=deposit)
        self.assertEqual(self.fails("WL011", "wallet_close", wallet_id=self.a),
                         {"wallet_id": self.a, "balance": "0.0000", "held": "10.0000"})
        self.model.now += 2 * SECOND
        self.do("wallet_close", wallet_id=self.a)

    def test_lock(self):
        self.do("wallet_lock", wallet_ids=[self.a, self.b, self.a])
        self.do("wallet_lock", wallet_ids=[])
        self.fails("22004", "wallet_lock", wallet_ids=[None, NIL])
        self.fails("WL001", "wallet_lock", wallet_ids=[self.a, UNKNOWN])


class Keys(ModelCase):
    def test_replay_returns_the_first_id_before_anything_else(self):
        first = self.fund(self.a, "5", idempotency_key="k")
        self.withdraw(self.a, "5")
        self.do("wallet_close", wallet_id=self.a)
        self.assertEqual(self.fund(self.a, "5.000", idempotency_key="k", expected_version=0), first)

    def test_first_difference(self):
        self.fund(self.a, "5", idempotency_key="k", metadata='{"a": 1}')
        given = {"idempotency_key": "k", "metadata": '{"a": 2}', "amount": "6"}
        self.assertEqual(self.fails("WL005", "wallet_withdraw", wallet_id=self.b, **given)["field"], "operation")
        self.assertEqual(self.fails("WL005", "wallet_fund", wallet_id=UNKNOWN, **given)["field"], "wallet_id")
        self.assertEqual(self.fails("WL005", "wallet_fund", wallet_id=self.a, **given)["field"], "amount")
        given["amount"] = "5.0"
        self.assertEqual(self.fails("WL005", "wallet_fund", wallet_id=self.a, **given)["field"], "metadata")
        self.assertEqual(self.fund(self.a, "5", idempotency_key="k", metadata='{"a": 1.0}'),
                         self.model.keys["k"].id)

    def test_a_failed_operation_leaves_its_key_free(self):
        self.fails("WL002", "wallet_withdraw", wallet_id=self.a, amount="1", idempotency_key="k")
        self.fund(self.b, "1", idempotency_key="k")

    def test_a_rollback_frees_the_key(self):
        mark = self.model.journal.mark()
        first = self.fund(self.a, "1", idempotency_key="k")
        self.model.journal.rollback(mark)
        self.assertEqual(self.state(self.a)[:3], ("0.0000", "0.0000", 0))
        self.assertNotIn(first, self.model.operations)
        self.transfer(self.wallet("3"), self.b, "2", idempotency_key="k")

    def test_create_again(self):
        first = self.do("wallet_create", user_id="u", idempotency_key="k")
        self.assertEqual(self.do("wallet_create", user_id="u", currency="USD", idempotency_key="k"), first)
        self.assertEqual(self.fails("WL005", "wallet_create", user_id="v", currency="EUR", idempotency_key="k"),
                         {"idempotency_key": "k", "field": "user_id", "stored": "u", "sent": "v",
                          "transaction_id": self.model.keys["k"].id})


class Holds(ModelCase):
    def setUp(self):
        super().setUp()
        self.fund(self.a, "100")

    def test_hold_reserves(self):
        hold = self.hold(self.a, "60")
        self.assertEqual(self.state(self.a), ("100.0000", "60.0000", 2, "active"))
        self.assertEqual(self.fails("WL002", "wallet_withdraw", wallet_id=self.a, amount="40.0001")["available"],
                         "40.0000")
        self.do("wallet_release", hold_id=hold)
        self.assertEqual(self.entries(self.a, 3), [("RELEASE", "60.0000", "100.0000", "0.0000")])
        self.assertEqual(self.fails("WL022", "wallet_release", hold_id=hold), {"hold_id": hold, "status": "released"})

    def test_holds_do_not_draw_on_the_credit_limit(self):
        self.do("wallet_set_limits", wallet_id=self.a, credit_limit="50")
        self.fails("WL002", "wallet_hold", wallet_id=self.a, amount="100.0001")
        self.hold(self.a, "100")
        self.withdraw(self.a, "50")
        self.fails("WL002", "wallet_withdraw", wallet_id=self.a, amount="0.0001")

    def test_final_capture_releases_the_rest_in_the_same_operation(self):
        hold = self.hold(self.a, "60")
        operation = self.do("wallet_capture", hold_id=hold, to_wallet_id=self.b, amount="45")
        self.assertEqual([row.kind for row in self.model.operations[operation].rows], ["CAPTURE", "RELEASE"])
        self.assertEqual(self.entries(self.a, 3), [("CAPTURE_OUT", "45.0000", "55.0000", "15.0000"),
                                                   ("RELEASE", "15.0000", "55.0000", "0.0000")])
        self.assertEqual(self.entries(self.b, 1), [("CAPTURE_IN", "45.0000", "45.0000", "0.0000")])
        self.assertEqual(self.fails("WL022", "wallet_capture", hold_id=hold)["status"], "captured")

    def test_captures_until_nothing_is_left(self):
        hold = self.hold(self.a, "60")
        self.do("wallet_capture", hold_id=hold, amount="20", final=False)
        self.assertEqual(self.fails("WL023", "wallet_capture", hold_id=hold, amount="40.0001"),
                         {"hold_id": hold, "remaining": "40.0000", "requested": "40.0001"})
        self.do("wallet_capture", hold_id=hold, final=False)
        self.assertEqual(self.model.holds[hold].status, "captured")
        self.assertEqual(self.state(self.a), ("40.0000", "0.0000", 4, "active"))

    def test_order_of_checks_of_a_capture(self):
        hold = self.hold(self.a, "60")
        euro = self.wallet(currency="EUR")
        self.fails("WL020", "wallet_capture", hold_id=UNKNOWN, to_wallet_id=self.a)
        self.fails("WL007", "wallet_capture", hold_id=hold, to_wallet_id=self.a, expected_version=0)
        self.fails("WL001", "wallet_capture", hold_id=hold, to_wallet_id=UNKNOWN, expected_version=0)
        self.fails("WL004", "wallet_capture", hold_id=hold, to_wallet_id=euro, expected_version=0)
        self.pass_time(8 * 86400)
        self.fails("WL006", "wallet_capture", hold_id=hold, to_wallet_id=euro)
        self.fails("WL021", "wallet_capture", hold_id=hold, to_wallet_id=self.b, amount="61")

    def test_a_debit_releases_expired_holds_first(self):
        self.hold(self.a, "60", expires_in=60)
        self.hold(self.a, "30", expires_in=120)
        self.pass_time(60)
        self.assertEqual(money.text(self.model.available(self.model.wallets[self.a])), "70.0000")
        self.withdraw(self.a, "70", expected_version=3)
        self.assertEqual(self.entries(self.a, 4), [("EXPIRE", "60.0000", "100.0000", "30.0000"),
                                                   ("WITHDRAW", "70.0000", "30.0000", "30.0000")])
        self.assertEqual(len({entry.row.operation for entry in self.model.wallets[self.a].entries[4:]}), 2)

    def test_a_call_releases_a_hundred_expired_holds(self):
        for _ in range(130):
            self.hold(self.a, "0.5", expires_in=60)
        self.pass_time(60)
        self.assertEqual(self.fails("WL002", "wallet_hold", wallet_id=self.a, amount="100.0001")["available"], "100.0000")
        self.withdraw(self.a, "90")
        self.assertEqual(self.state(self.a)[:2], ("10.0000", "15.0000"))
        self.assertEqual(self.fails("WL011", "wallet_close", wallet_id=self.a)["held"], "0.0000")
        # Closing needs all of them released.
        deposit = self.fund(self.b, "65")
        for _ in range(130):
            self.hold(self.b, "0.5", expires_in=60)
        self.pass_time(60)
        self.do("wallet_reverse_force", transaction_id=deposit, amount="64.9999")
        self.do("wallet_reverse", transaction_id=deposit)
        self.do("wallet_close", wallet_id=self.b)

    def test_expiry_vanishes_with_the_call_that_fails(self):
        hold = self.hold(self.a, "60", expires_in=60)
        self.pass_time(61)
        self.fails("WL002", "wallet_withdraw", wallet_id=self.a, amount="101")
        self.assertEqual(self.model.holds[hold].status, "open")
        self.do("wallet_release", hold_id=hold)
        self.assertEqual(self.entries(self.a, 3), [("RELEASE", "60.0000", "100.0000", "0.0000")])

    def test_a_capture_releases_no_other_hold(self):
        self.hold(self.a, "60", expires_in=60)
        hold = self.hold(self.a, "10")
        self.pass_time(60)
        self.do("wallet_capture", hold_id=hold)
        self.assertEqual(self.entries(self.a, 4), [("CAPTURE_OUT", "10.0000", "90.0000", "60.0000")])

    def test_a_credit_releases_nothing(self):
        self.hold(self.a, "60", expires_in=60)
        self.pass_time(61)
        self.fund(self.a, "1")
        self.assertEqual(self.state(self.a), ("101.0000", "60.0000", 3, "active"))

    def test_expire_holds_takes_the_oldest_expiries(self):
        late = self.hold(self.a, "10", expires_in=100)
        early = self.hold(self.a, "20", expires_in=50)
        self.pass_time(100)
        self.assertEqual(self.do("wallet_expire_holds", max=1), 1)
        self.assertEqual([self.model.holds[hold].status for hold in (late, early)], ["open", "expired"])
        self.fails("WL021", "wallet_capture", hold_id=early)
        self.fails("WL021", "wallet_release", hold_id=early)
        self.assertEqual(self.do("wallet_expire_holds"), 1)
        self.assertEqual(self.do("wallet_expire_holds", max=0), 0)
        self.fails("22023", "wallet_expire_holds", max=-1)

    def test_a_frozen_wallet_releases_only(self):
        hold = self.hold(self.a, "10")
        self.do("wallet_freeze", wallet_id=self.a)
        self.fails("WL008", "wallet_capture", hold_id=hold)
        self.fails("WL008", "wallet_hold", wallet_id=self.a, amount="1")
        self.do("wallet_release", hold_id=hold)

    def test_expires_in(self):
        self.fails("22004", "wallet_hold", wallet_id=self.a, amount="1", expires_in=None)
        self.fails("22023", "wallet_hold", wallet_id=self.a, amount="0", expires_in=0)
        self.hold(self.a, "1", idempotency_key="k", expires_in=60)
        detail = self.fails("WL005", "wallet_hold", wallet_id=self.a, amount="1", idempotency_key="k")
        self.assertEqual(detail["field"], "expires_in")


class Reversals(ModelCase):
    def setUp(self):
        super().setUp()
        self.fund(self.a, "100")

    def test_reversals_add_up(self):
        transfer = self.transfer(self.a, self.b, "10")
        self.do("wallet_reverse", transaction_id=transfer, amount="4")
        self.assertEqual(self.fails("WL032", "wallet_reverse", transaction_id=transfer, amount="6.0001"),
                         {"transaction_id": transfer, "reversible": "6.0000", "requested": "6.0001"})
        reversal = self.do("wallet_reverse", transaction_id=transfer)
        self.assertEqual(self.entries(self.b, 2), [("REVERSAL_OUT", "4.0000", "6.0000", "0.0000"),
                                                   ("REVERSAL_OUT", "6.0000", "0.0000", "0.0000")])
        self.assertEqual(self.state(self.a)[0], "100.0000")
        self.assertEqual(self.fails("WL032", "wallet_reverse", transaction_id=transfer)["reversible"], "0.0000")
        self.assertEqual(self.fails("WL031", "wallet_reverse", transaction_id=reversal),
                         {"transaction_id": reversal, "type": "REVERSAL"})
        self.fails("WL030", "wallet_reverse", transaction_id=UNKNOWN)

    def test_outside(self):
        fund, out = self.fund(self.b, "7"), self.withdraw(self.a, "30")
        self.do("wallet_reverse", transaction_id=fund)
        self.do("wallet_reverse", transaction_id=out, amount="10")
        self.assertEqual(self.entries(self.b, 2), [("REVERSAL_OUT", "7.0000", "0.0000", "0.0000")])
        self.assertEqual(self.entries(self.a, 3), [("REVERSAL_IN", "10.0000", "80.0000", "0.0000")])

    def test_force_goes_below_the_floor(self):
        transfer = self.transfer(self.a, self.b, "10")
        self.withdraw(self.b, "8")
        self.assertEqual(self.fails("WL002", "wallet_reverse", transaction_id=transfer),
                         {"wallet_id": self.b, "available": "2.0000", "requested": "10.0000"})
        self.do("wallet_reverse_force", transaction_id=transfer)
        self.assertEqual(self.state(self.b)[0], "-8.0000")
        self.assertTrue(self.model.wallets[self.b].entries[-1].row.forced)

    def test_frozen_wallets_are_paid_back_and_pay_nothing(self):
        transfer = self.transfer(self.a, self.b, "10")
        self.do("wallet_freeze", wallet_id=self.a)
        self.do("wallet_reverse", transaction_id=transfer, amount="1")
        self.do("wallet_freeze", wallet_id=self.b)
        self.assertEqual(self.fails("WL008", "wallet_reverse", transaction_id=transfer), {"wallet_id": self.b})

    def post(self, *amounts):
        c = self.wallet()
        return self.do("wallet_post", legs=[(self.a, (self.b, c)[number % 2], amount)
                                            for number, amount in enumerate(amounts)])

    def paid_back(self, post, amount=None):
        """The amounts of the rows of a reversal, which are those of the legs from the last to the first."""
        reversal = self.do("wallet_reverse", transaction_id=post, amount=amount)
        return [row.amount for row in reversed(self.model.operations[reversal].rows)]

    def test_the_amount_is_what_the_first_payer_gets_back(self):
        post = self.post("20", "0.60")
        self.assertEqual(self.paid_back(post, "10"), [100000, 3000])
        self.assertEqual(self.fails("WL032", "wallet_reverse", transaction_id=post, amount="10.0001"),
                         {"transaction_id": post, "reversible": "10.0000", "requested": "10.0001"})
        self.assertEqual(self.paid_back(post), [100000, 3000])
        self.assertEqual(self.fails("WL032", "wallet_reverse", transaction_id=post)["reversible"], "0.0000")

    def test_shares_add_up_to_the_legs(self):
        # After 1, 2 and 3 of 3 units: 0.33, 0.67 and 1 of 4, which is 1, 3 and 4; and of 1, which is 0, 1 and 1.
        post = self.post("0.0003", "0.0004", "0.0001")
        self.assertEqual(self.paid_back(post, "0.0001"), [1, 1])
        self.assertEqual(self.paid_back(post, "0.0001"), [1, 2, 1])
        self.assertEqual(self.paid_back(post), [1, 1])

    def test_legs_of_several_currencies(self):
        dollars, euros, desk = self.wallet("100"), self.wallet("10", currency="EUR"), self.wallet(currency="EUR")
        post = self.do("wallet_post", legs=[(dollars, self.b, "100"), (euros, desk, "9.25")])
        self.assertEqual(self.paid_back(post, "50"), [500000, 46250])

    def test_what_was_paid_back_otherwise_is_never_taken_again(self):
        post = self.post("0.0100", "0.0100")
        first, second = self.model.operations[post].rows
        # As an older rule may have left them: one too far, the first done before the others.
        second.reversed = 60
        self.assertEqual(self.paid_back(post, "0.0050"), [50])
        self.assertEqual(self.paid_back(post, "0.0010"), [10])
        self.assertEqual(self.paid_back(post, "0.0010"), [10, 10])
        first.reversed = 100
        self.assertEqual(self.fails("WL032", "wallet_reverse", transaction_id=post, amount="0.0001")["reversible"], "0.0000")
        self.assertEqual(self.paid_back(post), [30])
        self.fails("WL032", "wallet_reverse", transaction_id=post)

    def test_any_steps_complete_every_leg(self):
        chance = random.Random(7)
        self.fund(self.a, "1000000")
        for _ in range(100):
            amounts = [chance.choice([1, 2, 3, 7, 9999, 10000, chance.randint(1, 10**7)])
                       for _ in range(chance.randint(2, 6))]
            post = self.post(*map(money.text, amounts))
            rows = self.model.operations[post].rows
            while rows[0].reversed < amounts[0]:
                left = amounts[0] - rows[0].reversed
                before = [row.reversed for row in rows]
                self.paid_back(post, money.text(chance.randint(max(1, left // 3), left)))
                for row, was in zip(rows, before):
                    exact = Fraction(row.amount * rows[0].reversed, amounts[0])
                    self.assertLessEqual(was, row.reversed)
                    self.assertLessEqual(abs(row.reversed - exact), Fraction(1, 2))
            self.assertEqual([row.reversed for row in rows], amounts)

    def test_multi_leg_from_the_last_leg(self):
        post = self.do("wallet_post", legs=[(self.a, self.b, "10"), (self.b, self.a, "10")])
        self.do("wallet_reverse", transaction_id=post)
        self.assertEqual([entry[0] for entry in self.entries(self.b, 3)], ["REVERSAL_IN", "REVERSAL_OUT"])

    def test_capture_is_paid_back_without_the_released_rest(self):
        hold = self.hold(self.a, "60")
        capture = self.do("wallet_capture", hold_id=hold, to_wallet_id=self.b, amount="45")
        self.assertEqual(self.fails("WL032", "wallet_reverse", transaction_id=capture, amount="46")["reversible"],
                         "45.0000")
        self.do("wallet_reverse", transaction_id=capture)
        self.assertEqual(self.state(self.a)[:2], ("100.0000", "0.0000"))
        self.assertEqual(self.fails("WL031", "wallet_reverse", transaction_id=hold)["type"], "HOLD")

    def test_a_reversal_releases_expired_holds_of_the_wallet_debited(self):
        transfer = self.transfer(self.a, self.b, "10")
        self.hold(self.b, "10", expires_in=5)
        self.pass_time(5)
        self.do("wallet_reverse", transaction_id=transfer, expected_version=2)
        self.assertEqual([entry[0] for entry in self.entries(self.b, 3)], ["EXPIRE", "REVERSAL_OUT"])


class Several(ModelCase):
    def setUp(self):
        super().setUp()
        self.c = self.wallet()
        self.fund(self.a, "100")

    def test_a_later_item_spends_what_an_earlier_one_brought(self):
        rows = self.batch((self.a, self.b, "100"), (self.b, self.c, "60"), (self.b, self.a, "40"))
        self.assertEqual([code for _, code in rows], ["00000"] * 3)
        self.assertEqual(len({row[0] for row in rows}), 3)
        self.assertEqual(self.state(self.b), ("0.0000", "0.0000", 3, "active"))
        self.assertEqual(self.batch(), [])

    def test_a_failed_item_changes_nothing(self):
        rows = self.batch((self.a, self.b, "101"), (self.a, self.b, "100"), (self.b, self.c, "100.0001"),
                          (self.b, None, "1"), (self.b, self.b, "1"), (self.b, self.c, "NaN"), atomic=False)
        self.assertEqual([code for _, code in rows], ["WL002", "00000", "WL002", "22004", "WL007", "WL003"])
        self.assertEqual(self.state(self.b)[:3], ("100.0000", "0.0000", 1))

    def test_atomic(self):
        self.fails("WL002", "wallet_transfer_batch", from_wallet_ids=[self.a, self.b], to_wallet_ids=[self.b, self.c],
                   amounts=["100", "101"])
        self.assertEqual(self.index, 2)
        self.fails("22023", "wallet_transfer_batch", from_wallet_ids=[self.a], to_wallet_ids=[], amounts=["1"])

    def test_keys_within_a_batch(self):
        item = (self.a, self.b, "60")
        rows = self.batch(item, item, (self.a, self.b, "61"), idempotency_keys=["k", "k", "k"], atomic=False)
        self.assertEqual([code for _, code in rows], ["00000", "00000", "WL005"])
        self.assertEqual(rows[0][0], rows[1][0])
        self.assertEqual(self.state(self.b)[0], "60.0000")
        # Freed by an item that failed, taken by the next.
        rows = self.batch(item, (self.a, self.b, "1"), idempotency_keys=["free", "free"], atomic=False)
        self.assertEqual([code for _, code in rows], ["WL002", "00000"])

    def test_an_item_is_a_transfer_for_its_key(self):
        first = self.transfer(self.a, self.b, "5", idempotency_key="k", metadata='{"a": 1}')
        given = {"from_wallet_ids": [self.a, self.b], "to_wallet_ids": [self.b, self.c], "amounts": ["5", "5"],
                 "idempotency_keys": ["k", "l"]}
        self.assertEqual(self.fails("WL005", "wallet_transfer_batch", **given)["field"], "metadata")
        results = self.model.call("wallet_transfer_batch", {**given, "item_metadata": ['{"a": 1.0}', None]})
        self.assertEqual([(item.is_replay, item.code) for item in results], [(True, "00000"), (False, "00000")])
        self.assertEqual(results[0].operation.id, first)
        self.model.bind_operation(results[1].operation, self.new_id())
        self.assertEqual(self.transfer(self.b, self.c, "5", idempotency_key="l"), results[1].operation.id)

    def test_arguments_of_items(self):
        given = {"from_wallet_ids": [self.a, self.a], "to_wallet_ids": [self.b, self.b], "amounts": ["5", "5"], "atomic": False}
        for name, value in (("item_metadata", ["{}"]), ("expected_versions", [1, 2, 3]), ("idempotency_keys", [])):
            self.assertEqual(self.fails("22023", "wallet_transfer_batch", **given, **{name: value}), {"argument": name})
        self.assertEqual(self.fails("22023", "wallet_transfer_batch", **given, metadata="{}", item_metadata=["{}", "{}"]),
                         {"argument": "item_metadata"})
        # As the items before have left it; a NULL expects nothing.
        results = self.model.call("wallet_transfer_batch", {**given, "expected_versions": [1, 1]})
        self.assertEqual([item.code for item in results], ["00000", "WL004"])
        self.assertEqual(results[1].error.detail, {"wallet_id": self.a, "expected": 1, "actual": 2})
        self.assertEqual([item.code for item in self.model.call("wallet_transfer_batch", {**given, "expected_versions": [None, -1]})],
                         ["00000", "22023"])

    def test_an_atomic_batch_may_report_by_the_table(self):
        given = {"from_wallet_ids": [self.b, self.a], "to_wallet_ids": [self.c, UNKNOWN], "amounts": ["1", "1"]}
        self.fails("WL002", "wallet_transfer_batch", **given)
        self.fails("WL001", "wallet_transfer_batch", observed=("WL001", 2), **given)
        self.assertEqual(sum(self.model.open_questions.values()), 1)

    def test_post(self):
        post = self.do("wallet_post", legs=[(self.a, self.b, "50"), (self.b, self.c, "20"), (self.b, self.a, "5")])
        self.assertEqual([row.leg for row in self.model.operations[post].rows], [0, 1, 2])
        self.assertEqual([self.state(wallet)[0] for wallet in (self.a, self.b, self.c)],
                         ["55.0000", "25.0000", "20.0000"])
        self.fails("22023", "wallet_post", legs=[])
        self.fails("22004", "wallet_post", legs=[(self.a, NIL, "1"), (self.a, self.b, None)])
        self.fails("22004", "wallet_post", legs=[None], idempotency_key="")
        self.assertEqual(self.fails("WL002", "wallet_post", legs=[(self.a, self.b, "5"), (self.b, self.c, "31")]),
                         {"wallet_id": self.b, "available": "30.0000", "requested": "31.0000"})
        self.fails("WL004", "wallet_post", legs=[(self.b, self.c, "1"), (self.a, self.c, "1")], expected_version=2)

    def test_post_releases_expired_holds_before_its_legs(self):
        self.fund(self.b, "10")
        self.hold(self.b, "10", expires_in=5)
        self.pass_time(5)
        self.do("wallet_post", legs=[(self.a, self.b, "1"), (self.b, self.c, "11")])
        self.assertEqual([entry[0] for entry in self.entries(self.b, 3)], ["EXPIRE", "TRANSFER_IN", "TRANSFER_OUT"])


class Reads(ModelCase):
    def test_balance_at_and_statement(self):
        self.pass_time(10)
        self.fund(self.a, "5")
        self.pass_time(10)
        self.withdraw(self.a, "2")
        wallet = self.model.wallets[self.a]
        created, funded, withdrawn = [entry.created_at for entry in wallet.entries]
        self.assertIsNone(self.model.balance_at(wallet, created - 1))
        self.assertEqual(self.model.balance_at(wallet, funded), (50000, 0, 1))
        self.assertEqual(self.model.balance_at(wallet, withdrawn - 1), (50000, 0, 1))
        opening, inside, closing = self.model.statement(wallet, funded, withdrawn)
        self.assertEqual((opening, [entry.version for entry in inside], closing), ((0, 0), [1], (50000, 0)))


if __name__ == "__main__":
    unittest.main()
