"""Runs units one after the other, each statement on the server and in the model, and compares."""
import json
from collections import Counter

import psycopg2

import compare
from compare import Mismatch, same
from model import SCALES, Model, WalletError
from server import now_microseconds, units
from statements import Call, Read, Ref, RollbackTo, Savepoint, Writer, resolve

# A hold that expires in the next seconds would leave it to chance which side of its expiry a call sees.
MARGIN = 20_000_000
# wallet.test_clock_offset is an integer of milliseconds.
LARGEST_OFFSET = 2_000_000_000
# Wallets that are compared after every call; all are at the end.
WATCHED = 24


class Runner:
    """A database, its sessions, its model. functions: those that exist."""

    def __init__(self, server, functions, has_clock):
        self.server = server
        self.functions = functions
        self.has_clock = has_clock
        self.database = server.create_database()
        self.sessions = {}
        self.model = Model()
        self.ids = {}
        self.refs = {}
        self.offset = 0
        self.calls = 0
        # By the owner, in a session that loads the guards' library and no other.
        owner = server.connect(self.database)
        for currency, scale in SCALES.items():
            owner.execute(f"INSERT INTO wallet_currency_scales VALUES ('{currency}', {scale})")
        owner.close()
        # "function sqlstate": how often.
        self.outcomes = Counter()

    def close(self):
        for session in self.sessions.values():
            session.close()
        self.server.drop_database(self.database)

    def session(self, number):
        if number not in self.sessions:
            self.sessions[number] = self.server.connect(self.database)
            self.sessions[number].prepare()
        return self.sessions[number]

    def watched(self):
        return list(self.model.wallets.values())[-WATCHED:]

    def read_clock(self):
        self.model.now = now_microseconds() + self.offset * 1000

    def move_clock(self, milliseconds):
        """Moves on, and beyond every hold that is about to expire."""
        if not self.has_clock:
            return
        self.offset = min(self.offset + milliseconds, LARGEST_OFFSET)
        while True:
            self.read_clock()
            open_holds = [hold for hold in self.model.holds.values() if hold.status == "open"]
            if not any(-MARGIN / 10 < hold.expires_at - self.model.now < MARGIN for hold in open_holds):
                return
            self.offset += int(MARGIN / 1000)

    def run(self, unit, produce=None):
        """produce(failed) gives the next statement, which is added to the unit, or None at its end."""
        self.move_clock(unit.advance)
        session = self.session(unit.session)
        if self.has_clock:
            session.set_clock(self.offset)
        self.model.read_only = unit.read_only
        self.model.journal.forget()
        if unit.isolation is None:
            self.run_statements(unit, session, produce, [])
            return
        session.execute(f"BEGIN ISOLATION LEVEL {unit.isolation}{' READ ONLY' if unit.read_only else ''}")
        try:
            committed = self.run_statements(unit, session, produce, []) and unit.commit
        finally:
            session.execute("COMMIT" if unit.commit else "ROLLBACK")
        if not committed:
            self.model.journal.rollback(0)
        self.model.read_only = False
        # Another session sees the outcome, and only that.
        self.compare_nothing_else(self.session(unit.session + 1))

    def run_statements(self, unit, session, produce, savepoints):
        """Whether the transaction is not a failed one at the end."""
        failed = False
        position = 0
        while True:
            if produce is not None:
                statement = produce(failed)
                if statement is not None:
                    unit.statements.append(statement)
            if position == len(unit.statements):
                return not failed
            statement = unit.statements[position]
            position += 1
            if isinstance(statement, RollbackTo):
                failed = self.rollback_to(session, statement.name, savepoints, failed)
            elif failed:
                continue
            elif isinstance(statement, Savepoint):
                session.execute(f"SAVEPOINT {statement.name}")
                savepoints.append((statement.name, self.model.journal.mark()))
            elif isinstance(statement, Read):
                self.read_or_fail(session, statement)
            else:
                failed = not self.call(session, statement, unit.isolation is not None) and bool(unit.isolation)

    def rollback_to(self, session, name, savepoints, failed):
        known = [position for position, (other, _) in enumerate(savepoints) if other == name]
        if not known:
            return failed
        session.execute(f"ROLLBACK TO {name}")
        del savepoints[known[-1] + 1 :]
        self.model.journal.rollback(savepoints[-1][1])
        self.compare_nothing_else(session)
        return False

    def call(self, session, call, in_transaction):
        """Whether it succeeded, which the server and the model agree on."""
        self.calls += 1
        text = Writer(self.ids, grouped=session.groups()).call(call)
        error, rows, observed = None, None, None
        self.read_clock()
        try:
            rows = session.execute(text)
            self.outcomes[f"{call.function} 00000"] += 1
        except psycopg2.Error as raised:
            if raised.pgcode is None or session.connection.closed:
                raise Mismatch("server", f"{call.function}: {raised}") from raised
            error, observed = raised, (raised.pgcode, index_of(raised))
            self.outcomes[f"{call.function} {raised.pgcode}"] += 1
        given = {name: resolve(value, self.ids) for name, value in call.arguments.items()}
        expected, result = None, None
        try:
            result = self.model.call(call.function, given, observed)
        except WalletError as predicted:
            expected = predicted
        try:
            compare.compare_error(expected, error)
            if error is None:
                self.compare_result(call, result, rows)
                self.compare_effects(session)
            elif not in_transaction:
                self.compare_nothing_else(session)
        except Mismatch as mismatch:
            raise Mismatch(f"{call.function} {mismatch.kind}", f"{mismatch.text}\n  {text}") from mismatch
        return error is None

    def compare_result(self, call, result, rows):
        value = rows[0][0] if rows else None
        if call.function == "wallet_transfer_batch":
            compare.compare_batch(self.model, result, rows)
            for part, item in enumerate(result):
                if item.operation is not None:
                    self.remember(Ref(call.number, part), item.operation.id)
        elif call.function == "wallet_expire_holds":
            same("count", "holds released", result, value)
        elif call.function != "wallet_lock":
            compare.compare_id(self.model, result, value)
            self.remember(Ref(call.number), value)

    def remember(self, ref, value):
        self.ids[ref] = value
        self.refs.setdefault(value, ref)

    def compare_nothing_else(self, session):
        """The wallets are what they were."""
        compare.compare_wallets(compare.look(session, self.watched(), {}).wallets, self.watched())

    def compare_effects(self, session):
        added = compare.new_entries(self.model)
        watched = self.watched()
        seen = compare.look(session, watched, added)
        compare.compare_entries(self.model, seen.entries, added)
        compare.compare_rows(self.model, seen.rows)
        compare.compare_holds(self.model, seen.holds, list(added))
        compare.compare_available(self.model, seen.available)
        compare.compare_wallets(seen.wallets, [*watched, *added])
        for operation in self.model.made:
            if operation.function == "wallet_create":
                number = self.refs[operation.result.id].number
                self.remember(Ref(number, -1), operation.id)

    # Reads.

    def read_or_fail(self, session, statement):
        try:
            self.read(session, statement)
        except psycopg2.Error as error:
            raise Mismatch(f"{statement.function} {error.pgcode}", str(error)) from error

    def read(self, session, read):
        if read.function == "wallet_lookup":
            found = session.execute(Writer.plain(read.key).join(["SELECT transaction_id FROM wallet_lookup(", ")"]))
            owner = self.model.keys.get(read.key)
            same("wallet_lookup", read.key, [owner.id] if owner else [], [row[0] for row in found])
            return
        wallet = self.model.wallets.get(resolve(read.wallet, self.ids))
        times = [time and self.time_of(wallet, *time) for time in read.times] if wallet else []
        if wallet is None:
            return
        # The wallet may have fewer versions here than where the read was made up.
        if None not in times:
            times.sort()
        given = ", ".join("NULL" if time is None else f"to_timestamp({time // 1000000}) + "
                          f"interval '{time % 1000000} microseconds'" for time in times)
        rows = session.execute(f"SELECT * FROM {read.function}('{wallet.id}', {given})")
        if read.function == "wallet_balance_at":
            expected = self.model.balance_at(wallet, *times)
            actual = [(units(balance), units(held), version) for balance, held, version in rows]
            same("wallet_balance_at", f"{wallet.id} at {times}", [expected] if expected else [], actual)
        else:
            self.compare_statement(wallet, times, rows)

    @staticmethod
    def time_of(wallet, version, microseconds):
        return wallet.entries[min(version, wallet.version)].created_at + microseconds

    def compare_statement(self, wallet, times, rows):
        opening, entries, closing = self.model.statement(wallet, *times)
        what = f"{wallet.id} {times}"
        same("wallet_statement", f"types of {what}",
             ["OPENING", *(entry.type for entry in entries), "CLOSING"], [row[1] for row in rows])
        ends = [tuple(units(value or 0) for value in row[3:5]) for row in (rows[0], rows[-1])]
        same("wallet_statement", f"opening and closing of {what}", [opening, closing], ends)
        for entry, row in zip(entries, rows[1:-1]):
            expected = (entry.version, entry.row.amount, entry.balance_after, entry.held_after,
                        entry.row.operation.id, compare.id_of(entry.counterparty))
            actual = (row[0], units(row[2]), units(row[3]), units(row[4]), row[5], row[6])
            same("wallet_statement", f"row of {what}", expected, actual)

    def finish(self):
        """The whole database, at the end of a run."""
        session = self.session(0)
        if self.has_clock:
            session.set_clock(self.offset)
        self.read_clock()
        wallets = list(self.model.wallets.values())
        ids = [wallet.id for wallet in wallets]
        seen = session.look(ids, ids, [wallet.version for wallet in wallets])
        compare.compare_wallets(seen.wallets, wallets)
        compare.compare_holds(self.model, seen.holds, wallets)
        compare.compare_available(self.model, seen.available)
        same("ledger", "entries above the newest", [], seen.entries)
        entries = session.execute("SELECT count(*) FROM wallet_transactions")[0][0]
        same("ledger", "number of entries", sum(len(wallet.entries) for wallet in wallets), entries)
        keys = session.execute("SELECT idempotency_key, transaction_id FROM wallet_ledger"
                               " WHERE idempotency_key IS NOT NULL")
        same("ledger", "keys", {key: operation.id for key, operation in self.model.keys.items()}, dict(keys))


def index_of(error):
    """The index in the DETAIL of a batch's or post's error."""
    try:
        detail = json.loads(error.diag.message_detail or "")
        return detail.get("index") if isinstance(detail, dict) else None
    except ValueError:
        return None
