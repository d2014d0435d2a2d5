#!/usr/bin/env python3
"""A first program with psycopg 3. DATABASE_URL says where the wallet is."""

import json
import os
import uuid
from decimal import Decimal

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure


def ask(connection, statement, *arguments):
    return connection.execute(statement, arguments).fetchone()[0]


def transfer(connection, payer, payee, amount, key, attempts=5):
    """Where another session was in the way: the same call with the same key."""
    for left in reversed(range(attempts)):
        try:
            with connection.transaction():
                return ask(connection, "SELECT wallet_transfer(%s, %s, %s, %s)", payer, payee, amount, key)
        except (SerializationFailure, DeadlockDetected):
            if not left:
                raise


def refusal(error):
    """The SQLSTATE says what to do, the JSON in DETAIL, where there is one, says why."""
    detail = error.diag.message_detail or ""
    return error.sqlstate, json.loads(detail) if detail.startswith("{") else {}


# With autocommit a transaction is what transaction() encloses.
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    key = uuid.uuid4()
    alice = ask(connection, "SELECT wallet_create('alice')")
    bob = ask(connection, "SELECT wallet_create('bob')")
    ask(connection, "SELECT wallet_fund(%s, %s, %s)", alice, Decimal(100), f"deposit-{key}")

    order = transfer(connection, alice, bob, Decimal("25.50"), f"order-{key}")
    again = transfer(connection, alice, bob, Decimal("25.50"), f"order-{key}")
    print("paid once:", order == again)
    print("bob has", ask(connection, "SELECT balance FROM wallet_get(%s)", bob))
    try:
        transfer(connection, alice, bob, Decimal(80), f"more-{key}")
    except psycopg.Error as error:
        state, detail = refusal(error)
        print("refused:", state, detail["available"])
