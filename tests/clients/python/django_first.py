#!/usr/bin/env python3
"""A first program with Django's ORM. DATABASE_URL says where the wallet is."""

import json
import os
import uuid
from decimal import Decimal
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction

url = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": url.hostname,
            "PORT": url.port,
            "NAME": url.path[1:],
            "USER": unquote(url.username),
            "PASSWORD": unquote(url.password or ""),
        }
    }
)
django.setup()


def call(statement, *arguments, attempts=5):
    """In a transaction of its own: where another session was in the way, again with the same key."""
    for left in reversed(range(attempts)):
        try:
            # Durable: inside another atomic() this would be a savepoint, which no retry helps.
            with transaction.atomic(durable=True), connection.cursor() as cursor:
                cursor.execute(statement, arguments)
                return cursor.fetchone()[0]
        except OperationalError as error:
            if error.__cause__.sqlstate not in ("40001", "40P01") or not left:
                raise


def refusal(error):
    """The SQLSTATE says what to do, the JSON in DETAIL, where there is one, says why."""
    cause = error.__cause__
    detail = cause.diag.message_detail or ""
    return cause.sqlstate, json.loads(detail) if detail.startswith("{") else {}


key = uuid.uuid4()
alice = call("SELECT wallet_create('alice')")
bob = call("SELECT wallet_create('bob')")
call("SELECT wallet_fund(%s, %s, %s)", alice, Decimal(100), f"deposit-{key}")

pay = "SELECT wallet_transfer(%s, %s, %s, %s)"
order = call(pay, alice, bob, Decimal("25.50"), f"order-{key}")
again = call(pay, alice, bob, Decimal("25.50"), f"order-{key}")
print("paid once:", order == again)
print("bob has", call("SELECT balance FROM wallet_get(%s)", bob))
try:
    call(pay, alice, bob, Decimal(80), f"more-{key}")
except DatabaseError as error:
    state, detail = refusal(error)
    print("refused:", state, detail["available"])
