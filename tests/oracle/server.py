"""The server's side: databases made from a template, sessions, and what a wallet looks like in SQL."""
import functools
import json
import os
import time
from dataclasses import dataclass
from decimal import Decimal

import psycopg2
import psycopg2.extensions
import psycopg2.extras

from model import arguments, money

MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::bigint"

# All that is compared after a call, in one round trip: the wallets watched, and of those touched the entries
# and ledger rows above the versions known, the holds, and what is available. Each is an array of arrays.
LOOK = f"""
    PREPARE look (uuid[], uuid[], bigint[]) AS
    WITH known AS MATERIALIZED (SELECT * FROM unnest($2, $3) AS known (wallet_id, version))
    SELECT
        (SELECT json_agg(json_build_array(id, user_id, currency, balance, held, credit_limit, max_balance, status,
                version, {MICROSECONDS.format("created_at")}, {MICROSECONDS.format("updated_at")}))
            FROM wallets WHERE id = ANY ($1)),
        (SELECT json_agg(json_build_array(entry.wallet_id, entry.version, type, amount, transaction_id,
                counterparty_wallet_id, balance_after, held_after, status_after, user_id, currency, hold_id, forced,
                metadata, {MICROSECONDS.format("created_at")}) ORDER BY entry.wallet_id, entry.version)
            FROM known JOIN wallet_transactions AS entry
                ON entry.wallet_id = known.wallet_id AND entry.version > known.version),
        (SELECT json_agg(json_build_array(transaction_id, leg, kind, from_wallet_id, to_wallet_id, amount, currency,
                idempotency_key, hold_id, reverses, forced) ORDER BY transaction_id, leg)
            FROM (SELECT ledger.* FROM known JOIN wallet_ledger AS ledger
                    ON from_wallet_id = wallet_id AND from_version > version
                UNION SELECT ledger.* FROM known JOIN wallet_ledger AS ledger
                    ON to_wallet_id = wallet_id AND to_version > version) AS ledger),
        (SELECT json_agg(json_build_array(hold_id, wallet_id, amount, captured, released, status,
                {MICROSECONDS.format("expires_at")}, {MICROSECONDS.format("created_at")}))
            FROM wallet_holds WHERE wallet_id = ANY ($2)),
        (SELECT json_agg(json_build_array(wallet.id, wallet.available))
            FROM known CROSS JOIN LATERAL wallet_get(known.wallet_id) AS wallet)"""


@functools.lru_cache(maxsize=100_000)
def units(number):
    return None if number is None else money.exact(str(number))


@dataclass
class Seen:
    """What the server has, as LOOK says."""

    wallets: list
    entries: list
    rows: list
    holds: list
    available: list


class Session:
    """A connection in autocommit mode: transactions are begun and ended by statements."""

    def __init__(self, uri, application_name="oracle", way="single"):
        self.connection = psycopg2.connect(uri, application_name=application_name)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        # Numbers of JSON keep their decimals.
        psycopg2.extras.register_default_json(
            self.connection, loads=lambda text: json.loads(text, parse_float=Decimal))
        self.offset = 0
        self.way = way
        self.execute("SET jit = off")
        self.execute("SET timezone = 'UTC'")

    def prepare(self):
        self.execute(LOOK)
        self.execute(f"SET wallet.max_batch_items = {arguments.ITEMS}")

    def groups(self):
        """Whether a transfer that is called now goes with those of other sessions."""
        idle = psycopg2.extensions.TRANSACTION_STATUS_IDLE
        return self.way == "grouped" and self.connection.get_transaction_status() == idle

    def execute(self, text):
        """The rows, or None for a statement that has none."""
        self.cursor.execute(text)
        return self.cursor.fetchall() if self.cursor.description else None

    def look(self, watched, touched=(), versions=()):
        """See LOOK; versions: what was known of each wallet touched before the call."""
        arrays = ", ".join("'{" + ",".join(map(str, array)) + "}'" for array in (watched, touched, versions))
        return Seen(*[rows or [] for rows in self.execute(f"EXECUTE look ({arrays})")[0]])

    def set_clock(self, offset):
        if offset != self.offset:
            self.execute(f"SET wallet.test_clock_offset = {offset}")
            self.offset = offset

    def close(self):
        self.connection.close()


class Server:
    """Makes databases of a run; every one is dropped at the end."""

    def __init__(self, uri, template, options="", way="single"):
        self.uri = uri
        self.template = template
        self.options = options
        self.way = way
        self.admin = Session(uri)
        self.count = 0

    def create_database(self):
        self.count += 1
        name = f"oracle_{os.getpid()}_{self.count}"
        self.admin.execute(f"CREATE DATABASE {name} TEMPLATE {self.template}")
        return name

    def drop_database(self, name):
        self.admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def connect(self, database):
        parts = psycopg2.extensions.parse_dsn(self.uri)
        parts["dbname"] = database
        if self.options:
            parts["options"] = self.options
        return Session(psycopg2.extensions.make_dsn(**parts), way=self.way)

    def features(self, database):
        """The functions of the model that exist, and whether the clock can be moved."""
        session = self.connect(database)
        found = session.execute("SELECT DISTINCT proname FROM pg_proc WHERE proname LIKE 'wallet%'")
        # The library brings its settings when it is loaded.
        (library,) = session.execute("SELECT DISTINCT probin FROM pg_proc WHERE proname = 'wallet_transfer'")[0]
        session.execute(f"LOAD '{library}'")
        clock = session.execute("SELECT 1 FROM pg_settings WHERE name = 'wallet.test_clock_offset'")
        session.close()
        return {name for (name,) in found}, bool(clock)


def now_microseconds():
    return time.time_ns() // 1000
