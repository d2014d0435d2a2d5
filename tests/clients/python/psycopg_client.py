#!/usr/bin/env python3
"""The wallet from psycopg 3. PGHOST, PGPORT, PGUSER and PGDATABASE say where it is."""

import json
from decimal import Decimal

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.types.json import Jsonb

from tap import done, is_equal


def transfer(connection, payer, payee, amount, key):
    return connection.execute(
        "SELECT wallet_transfer(%s, %s, %s, %s)", (payer, payee, amount, key)
    ).fetchone()[0]


def available(connection, wallet):
    return connection.execute("SELECT available FROM wallet_get(%s)", (wallet,)).fetchone()[0]


def in_transaction(connection, work, attempts=5):
    """Runs work in a transaction, again where another session was in its way: same call, same key."""
    for left in reversed(range(attempts)):
        try:
            with connection.transaction():
                return work()
        except (SerializationFailure, DeadlockDetected):
            if not left:
                raise


def refusal(call, *arguments):
    """The SQLSTATE says what to do, the JSON in DETAIL says why."""
    try:
        call(*arguments)
    except psycopg.Error as error:
        detail = error.diag.message_detail or ""
        return error.sqlstate, json.loads(detail) if detail.startswith("{") else {}
    return None, {}


def main():
    # With autocommit a transaction is what transaction() encloses: without, it would be a savepoint
    # of a transaction that began earlier, whose snapshot no retry can renew.
    with psycopg.connect(autocommit=True) as connection:
        alice = connection.execute("SELECT wallet_create(%s)", ("alice",)).fetchone()[0]
        bob = connection.execute("SELECT wallet_create(%s)", ("bob",)).fetchone()[0]
        connection.execute("SELECT wallet_fund(%s, %s, %s)", (alice, Decimal(100), "deposit-1"))
        is_equal(available(connection, alice), Decimal(100), "a wallet is funded")

        order = transfer(connection, alice, bob, Decimal("25.50"), "order-17")
        is_equal(available(connection, bob), Decimal("25.50"), "a transfer moves money")

        state, detail = refusal(transfer, connection, alice, bob, Decimal(80), "order-18")
        is_equal(state, "WL002", "more than there is: insufficient_funds")
        is_equal(
            detail,
            {"wallet_id": str(alice), "available": "74.5000", "requested": "80.0000"},
            "its DETAIL has the amounts",
        )

        # Not every error has an object in DETAIL.
        is_equal(
            refusal(connection.execute, "SELECT wallet_create('alice', wallet_id => %s)", (alice,)),
            ("23505", {}),
            "a wallet of that id exists",
        )

        state, detail = refusal(
            connection.execute,
            "SELECT wallet_transfer(%s, %s, 1, expected_version => %s, metadata => %s)",
            (alice, bob, 1, Jsonb({"order": 18})),
        )
        is_equal(state, "WL004", "a version that is no more: version_conflict")
        is_equal(
            detail,
            {"wallet_id": str(alice), "expected": 1, "actual": 2},
            "its DETAIL has the versions",
        )

        retried = transfer(connection, alice, bob, Decimal("25.5"), "order-17")
        is_equal(retried, order, "the same request under its key: the first id")
        is_equal(available(connection, alice), Decimal("74.50"), "and no money moves again")

        state, detail = refusal(transfer, connection, alice, bob, Decimal(26), "order-17")
        is_equal(state, "WL005", "another request under the key: idempotency_conflict")
        is_equal(detail["field"], "amount", "its DETAIL names the field")

        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        seen = []

        def sweep():
            """Pays out all there is. On the first try another session is quicker."""
            seen.append(available(connection, alice))
            if len(seen) == 1:
                with psycopg.connect() as other:
                    transfer(other, alice, bob, Decimal(10), "order-19")
            transfer(connection, alice, bob, seen[-1], "sweep-1")

        in_transaction(connection, sweep)
        is_equal(seen, [Decimal("74.50"), Decimal("64.50")], "40001: the retry sees the new balance")
        is_equal(available(connection, alice), Decimal(0), "and succeeds")
    done()


if __name__ == "__main__":
    main()
