#!/usr/bin/env python3
"""A first program with SQLAlchemy 2. DATABASE_URL says where the wallet is."""

import json
import os
import uuid
from decimal import Decimal

from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import sessionmaker

url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
sessions = sessionmaker(create_engine(url))


def call(operation, attempts=5):
    """In a transaction that commits: where another session was in the way, again with the same key."""
    for left in reversed(range(attempts)):
        try:
            with sessions.begin() as session:
                return session.scalar(select(operation))
        except DBAPIError as error:
            if error.orig.sqlstate not in ("40001", "40P01") or not left:
                raise


def refusal(error):
    """The SQLSTATE says what to do, the JSON in DETAIL, where there is one, says why."""
    detail = error.orig.diag.message_detail or ""
    return error.orig.sqlstate, json.loads(detail) if detail.startswith("{") else {}


key = uuid.uuid4()
alice = call(func.wallet_create("alice"))
bob = call(func.wallet_create("bob"))
call(func.wallet_fund(alice, Decimal(100), f"deposit-{key}"))

order = call(func.wallet_transfer(alice, bob, Decimal("25.50"), f"order-{key}"))
again = call(func.wallet_transfer(alice, bob, Decimal("25.50"), f"order-{key}"))
print("paid once:", order == again)
with sessions() as session:
    wallet = func.wallet_get(bob).table_valued("user_id", "balance").alias("wallet")
    print("bob has", session.scalar(select(wallet.c.balance)))
try:
    call(func.wallet_transfer(alice, bob, Decimal(80), f"more-{key}"))
except DBAPIError as error:
    state, detail = refusal(error)
    print("refused:", state, detail["available"])
