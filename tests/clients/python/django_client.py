#!/usr/bin/env python3
"""The wallet from Django's ORM. PGHOST, PGPORT, PGUSER and PGDATABASE say where it is."""

import json
import os
from decimal import Decimal

import django
from django.conf import settings
from django.db import DatabaseError, OperationalError, connections, models, transaction
from psycopg import IsolationLevel

from tap import done, is_equal

database = {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"]}
settings.configure(
    DATABASES={
        "default": {**database, "OPTIONS": {"isolation_level": IsolationLevel.REPEATABLE_READ}},
        "other": database,
    }
)
django.setup()


def call(statement, *arguments, using="default"):
    with connections[using].cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchone()[0]


class Wallets(models.Manager):
    """Wallets are read and changed by the functions: the role has no right on their table."""

    def open(self, user_id):
        return self.fetch(call("SELECT wallet_create(%s)", user_id))

    def fetch(self, wallet_id):
        return self.raw("SELECT * FROM wallet_get(%s)", [wallet_id])[0]


class Wallet(models.Model):
    id = models.UUIDField(primary_key=True)
    user_id = models.TextField()
    currency = models.TextField()
    balance = models.DecimalField(max_digits=19, decimal_places=4)
    available = models.DecimalField(max_digits=19, decimal_places=4)
    version = models.BigIntegerField()

    objects = Wallets()

    class Meta:
        app_label = "wallets"
        managed = False

    def fund(self, amount, key):
        return call("SELECT wallet_fund(%s, %s, %s)", self.id, amount, key)

    def transfer(self, payee, amount, key, expected_version=None, using="default"):
        return call(
            "SELECT wallet_transfer(%s, %s, %s, %s, %s)",
            self.id, payee.id, amount, key, expected_version,
            using=using,
        )


def in_transaction(work, attempts=5):
    """Runs work in a transaction, again where another session was in its way: same call, same key."""
    for left in reversed(range(attempts)):
        try:
            # Durable: inside another atomic() this would be a savepoint, which no retry helps.
            with transaction.atomic(durable=True):
                return work()
        except OperationalError as error:
            if error.__cause__.sqlstate not in ("40001", "40P01") or not left:
                raise


def refusal(call, *arguments, **options):
    """The SQLSTATE says what to do, the JSON in DETAIL says why."""
    try:
        call(*arguments, **options)
    except DatabaseError as error:
        cause = error.__cause__
        detail = cause.diag.message_detail or ""
        return cause.sqlstate, json.loads(detail) if detail.startswith("{") else {}
    return None, {}


def main():
    fetch = Wallet.objects.fetch
    alice = Wallet.objects.open("alice")
    bob = Wallet.objects.open("bob")
    alice.fund(Decimal(100), "deposit-1")
    is_equal(fetch(alice.id).available, Decimal(100), "a wallet is funded")

    order = alice.transfer(bob, Decimal("25.50"), "order-17")
    is_equal(fetch(bob.id).available, Decimal("25.50"), "a transfer moves money")

    state, detail = refusal(alice.transfer, bob, Decimal(80), "order-18")
    is_equal(state, "WL002", "more than there is: insufficient_funds")
    is_equal(
        detail,
        {"wallet_id": str(alice.id), "available": "74.5000", "requested": "80.0000"},
        "its DETAIL has the amounts",
    )

    state, detail = refusal(alice.transfer, bob, Decimal(1), "order-18", expected_version=1)
    is_equal(state, "WL004", "a version that is no more: version_conflict")
    is_equal(
        detail,
        {"wallet_id": str(alice.id), "expected": 1, "actual": 2},
        "its DETAIL has the versions",
    )

    retried = alice.transfer(bob, Decimal("25.5"), "order-17")
    is_equal(retried, order, "the same request under its key: the first id")
    is_equal(fetch(alice.id).available, Decimal("74.50"), "and no money moves again")

    state, detail = refusal(alice.transfer, bob, Decimal(26), "order-17")
    is_equal(state, "WL005", "another request under the key: idempotency_conflict")
    is_equal(detail["field"], "amount", "its DETAIL names the field")

    seen = []

    def sweep():
        """Pays out all there is. On the first try another session is quicker."""
        seen.append(fetch(alice.id).available)
        if len(seen) == 1:
            alice.transfer(bob, Decimal(10), "order-19", using="other")
        alice.transfer(bob, seen[-1], "sweep-1")

    in_transaction(sweep)
    is_equal(seen, [Decimal("74.50"), Decimal("64.50")], "40001: the retry sees the new balance")
    is_equal(fetch(alice.id).available, Decimal(0), "and succeeds")
    done()


if __name__ == "__main__":
    main()
