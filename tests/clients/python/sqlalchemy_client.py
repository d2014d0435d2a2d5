#!/usr/bin/env python3
"""The wallet from SQLAlchemy 2. PGHOST, PGPORT, PGUSER and PGDATABASE say where it is."""

import json
from decimal import Decimal

from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import sessionmaker

from tap import done, is_equal

engine = create_engine("postgresql+psycopg://", isolation_level="REPEATABLE READ")
sessions = sessionmaker(engine)


def transfer(session, payer, payee, amount, key, expected_version=None):
    return session.scalar(
        select(func.wallet_transfer(payer, payee, amount, key, expected_version))
    )


def available(session, wallet):
    return session.scalar(select(func.wallet_get(wallet).table_valued("available").c.available))


def in_transaction(work, *arguments, attempts=5):
    """Runs work in a transaction, again where another session was in its way: same call, same key."""
    for left in reversed(range(attempts)):
        try:
            with sessions.begin() as session:
                return work(session, *arguments)
        except DBAPIError as error:
            if error.orig.sqlstate not in ("40001", "40P01") or not left:
                raise


def refusal(*arguments, **options):
    """The SQLSTATE says what to do, the JSON in DETAIL says why."""
    try:
        with sessions.begin() as session:
            transfer(session, *arguments, **options)
    except DBAPIError as error:
        detail = error.orig.diag.message_detail or ""
        return error.orig.sqlstate, json.loads(detail) if detail.startswith("{") else {}
    return None, {}


def main():
    with sessions.begin() as session:
        alice = session.scalar(select(func.wallet_create("alice")))
        bob = session.scalar(select(func.wallet_create("bob")))
        session.scalar(select(func.wallet_fund(alice, Decimal(100), "deposit-1")))
    is_equal(in_transaction(available, alice), Decimal(100), "a wallet is funded")

    order = in_transaction(transfer, alice, bob, Decimal("25.50"), "order-17")
    is_equal(in_transaction(available, bob), Decimal("25.50"), "a transfer moves money")

    state, detail = refusal(alice, bob, Decimal(80), "order-18")
    is_equal(state, "WL002", "more than there is: insufficient_funds")
    is_equal(
        detail,
        {"wallet_id": str(alice), "available": "74.5000", "requested": "80.0000"},
        "its DETAIL has the amounts",
    )

    state, detail = refusal(alice, bob, Decimal(1), "order-18", expected_version=1)
    is_equal(state, "WL004", "a version that is no more: version_conflict")
    is_equal(
        detail,
        {"wallet_id": str(alice), "expected": 1, "actual": 2},
        "its DETAIL has the versions",
    )

    retried = in_transaction(transfer, alice, bob, Decimal("25.5"), "order-17")
    is_equal(retried, order, "the same request under its key: the first id")
    is_equal(in_transaction(available, alice), Decimal("74.50"), "and no money moves again")

    state, detail = refusal(alice, bob, Decimal(26), "order-17")
    is_equal(state, "WL005", "another request under the key: idempotency_conflict")
    is_equal(detail["field"], "amount", "its DETAIL names the field")

    seen = []

    def sweep(session):
        """Pays out all there is. On the first try another session is quicker."""
        seen.append(available(session, alice))
        if len(seen) == 1:
            with sessions.begin() as other:
                transfer(other, alice, bob, Decimal(10), "order-19")
        transfer(session, alice, bob, seen[-1], "sweep-1")

    in_transaction(sweep)
    is_equal(seen, [Decimal("74.50"), Decimal("64.50")], "40001: the retry sees the new balance")
    is_equal(in_transaction(available, alice), Decimal(0), "and succeeds")
    done()


if __name__ == "__main__":
    main()
