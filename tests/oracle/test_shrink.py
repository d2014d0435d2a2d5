"""What shrinks a failure keeps what it needs, and little else."""
import unittest

from shrink import flatten, rebuild, related, shrink
from statements import Call, Ref, RollbackTo, Savepoint, Unit, script


def call(number, function="wallet_fund", **given):
    return Call(number, function, given)


def numbers(units):
    return [statement.number for unit in units for statement in unit.statements if isinstance(statement, Call)]


class Shrink(unittest.TestCase):
    def test_needs_three_of_many(self):
        units = [Unit(number % 4, [call(number, amount="1")]) for number in range(200)]
        tried = []

        def still_fails(candidate):
            tried.append(candidate)
            return {5, 70, 199} <= set(numbers(candidate))

        shrunk = shrink(units, still_fails, 60)
        self.assertEqual(numbers(shrunk), [5, 70, 199])
        self.assertEqual([unit.session for unit in shrunk], [0, 0, 0])
        self.assertEqual([statement.arguments for unit in shrunk for statement in unit.statements], [{}] * 3)
        self.assertLess(len(tried), 150)

    def test_what_an_argument_needed_goes_with_it(self):
        units = [Unit(0, [call(number)]) for number in range(8)] + [Unit(0, [call(8, expected_version=4)])]

        def still_fails(candidate):
            kept = numbers(candidate)
            is_versioned = any("expected_version" in statement.arguments for unit in candidate for statement in unit.statements)
            return 8 in kept and (not is_versioned or len(kept) >= 5)

        self.assertEqual(numbers(shrink(units, still_fails, 60)), [8])

    def test_related_by_reference_and_key(self):
        units = [Unit(0, [call(1, "wallet_create")]), Unit(0, [call(2, "wallet_create")]),
                 Unit(0, [call(3, wallet_id=Ref(2), amount="5")]),
                 Unit(0, [call(4, idempotency_key="k")]),
                 Unit(0, [Savepoint("s"), call(5, wallet_id=Ref(1)), RollbackTo("s")], isolation="SERIALIZABLE"),
                 Unit(0, [call(6, wallet_id=Ref(1), idempotency_key="k")])]
        self.assertEqual(numbers(rebuild(units, related(units, False))), [1, 4, 6])
        wide = rebuild(units, related(units, True))
        self.assertEqual(numbers(wide), [1, 4, 5, 6])
        self.assertEqual(len(flatten(wide)), 6)

    def test_the_clock_of_what_is_left_out_still_moves(self):
        units = [Unit(0, [call(1)], advance=30), Unit(0, [call(2)], advance=5), Unit(0, [call(3)])]
        self.assertEqual([unit.advance for unit in rebuild(units, [(0, 0), (2, 0)])], [30, 5])

    def test_stops_in_time(self):
        units = [Unit(0, [call(number)]) for number in range(10)]
        self.assertEqual(shrink(units, lambda _: self.fail("asked after the end"), 0), units)

    def test_script(self):
        units = [Unit(0, [call(1, "wallet_create", user_id="o'hara")]),
                 Unit(0, [Savepoint("s"), call(2, wallet_id=Ref(1), amount="NaN"), RollbackTo("s")],
                      isolation="SERIALIZABLE", commit=False)]
        self.assertEqual(script(units, {Ref(1): "some id"}).splitlines(), [
            "SELECT wallet_create(user_id => 'o''hara'::text) AS id1 \\gset",
            "BEGIN ISOLATION LEVEL SERIALIZABLE;", "SAVEPOINT s;",
            "SELECT wallet_fund(wallet_id => :'id1'::uuid, amount => 'NaN'::numeric);",
            "ROLLBACK TO s;", "ROLLBACK;"])


if __name__ == "__main__":
    unittest.main()
