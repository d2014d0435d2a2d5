"""
What a run consists of: units (a call by itself or a transaction) of statements. A statement names what
earlier ones made by reference, so that a part of a run can be run again in another database.
"""
from dataclasses import dataclass, field
from typing import Any, Optional

from model.arguments import PARAMETERS

SQL_TYPES = {
    "user": "text", "currency": "text", "uuid": "uuid", "key": "text", "metadata": "jsonb",
    "version": "bigint", "amount": "numeric", "limit": "numeric", "interval": "interval", "bool": "boolean",
    "cap": "numeric", "metadatas": "jsonb[]", "versions": "bigint[]", "max": "integer", "uuids": "uuid[]", "amounts": "numeric[]", "keys": "text[]", "lock_ids": "uuid[]",
    "legs": "wallet_leg[]"}


@dataclass(frozen=True)
class Ref:
    """An id that call `number` returned; part: the batch's item, or -1 for wallet_create's own operation."""

    number: int
    part: int = 0

    @property
    def name(self):
        return f"id{self.number}" + (f"_{self.part}" if self.part > 0 else "_created" if self.part else "")

    def unknown(self):
        """What stands for it where that call failed or was left out."""
        return f"{self.number:08x}-dead-4000-8000-{self.part + 1:012x}"


@dataclass
class Call:
    number: int
    function: str
    arguments: dict


@dataclass
class Read:
    """A read whose times are those of the wallet's entries: (version, microseconds added)."""

    function: str
    wallet: Ref
    times: list = field(default_factory=list)
    key: Optional[str] = None


@dataclass
class Savepoint:
    name: str


@dataclass
class RollbackTo:
    name: str


@dataclass
class Unit:
    """isolation None: one statement by itself. advance: milliseconds that the clock is moved before."""

    session: int
    statements: list
    isolation: Optional[str] = None
    read_only: bool = False
    commit: bool = True
    advance: int = 0


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def resolve(value, ids):
    """References replaced by the ids of this run, in lists and tuples too."""
    if isinstance(value, Ref):
        return ids.get(value) or value.unknown()
    if isinstance(value, (list, tuple)):
        return type(value)(resolve(item, ids) for item in value)
    return value


class Writer:
    """Statements as SQL: with ids for the server, with psql variables for whoever reads a failure.
    grouped: a transfer by itself is made by wallet_transfer_grouped."""

    def __init__(self, ids, variables=False, grouped=False):
        self.ids = ids
        self.variables = variables
        self.grouped = grouped
        self.used = set()

    def uuid(self, value):
        if value is None:
            return "NULL"
        if isinstance(value, Ref) and self.variables and value in self.ids:
            self.used.add(value)
            return f":'{value.name}'"
        return literal(resolve(value, self.ids))

    def value(self, kind, value):
        if kind == "legs" and value is not None:
            legs = [leg and f"({self.uuid(leg[0])}, {self.uuid(leg[1])}, {self.plain(leg[2])})::wallet_leg"
                    for leg in value]
            return f"ARRAY[{', '.join(leg or 'NULL' for leg in legs)}]::wallet_leg[]"
        if isinstance(value, list):
            write = self.uuid if kind in ("uuids", "lock_ids") else self.plain
            return f"ARRAY[{', '.join(map(write, value))}]::{SQL_TYPES[kind]}"
        if kind == "interval" and value is not None:
            return f"'{value} seconds'::interval"
        text = self.uuid(value) if kind == "uuid" else self.plain(value)
        return text if kind == "bool" and value is not None else f"{text}::{SQL_TYPES[kind]}"

    @staticmethod
    def plain(value: Any):
        if value is None:
            return "NULL"
        return literal(value) if isinstance(value, str) else str(value).lower()

    def call(self, call):
        kinds = {name: kind for name, kind, _, _ in PARAMETERS[call.function]}
        given = ", ".join(f"{name} => {self.value(kinds[name], value)}" for name, value in call.arguments.items())
        if call.function == "wallet_transfer_batch":
            return f"SELECT index, transaction_id, sqlstate, detail, replayed FROM {call.function}({given})"
        suffix = "_grouped" if self.grouped and call.function == "wallet_transfer" else ""
        return f"SELECT {call.function}{suffix}({given})"


def script(units, ids):
    """The units as a script for psql."""
    writer = Writer(ids, variables=True)
    sessions = {unit.session for unit in units}
    lines = []
    for unit in units:
        if len(sessions) > 1:
            lines.append(f"-- session {unit.session}")
        if unit.advance:
            lines.append(f"-- the clock moves by {unit.advance / 1000:g} s: SET wallet.test_clock_offset")
        if unit.isolation:
            lines.append(f"BEGIN ISOLATION LEVEL {unit.isolation}{' READ ONLY' if unit.read_only else ''};")
        for statement in unit.statements:
            lines.append(_script_line(writer, statement, ids))
        if unit.isolation:
            lines.append("COMMIT;" if unit.commit else "ROLLBACK;")
    return "\n".join(lines)


def _script_line(writer, statement, ids):
    if isinstance(statement, Savepoint):
        return f"SAVEPOINT {statement.name};"
    if isinstance(statement, RollbackTo):
        return f"ROLLBACK TO {statement.name};"
    if isinstance(statement, Read):
        return f"-- {statement.function} of {resolve(statement.wallet, ids)}, {statement.times}"
    text = writer.call(statement)
    mine = Ref(statement.number)
    if statement.function == "wallet_transfer_batch" or mine not in ids:
        return text + ";"
    text += f" AS {mine.name} \\gset"
    if Ref(statement.number, -1) in ids:
        text += (f"\nSELECT transaction_id AS {mine.name}_created FROM wallet_transactions"
                 f" WHERE wallet_id = :'{mine.name}' AND version = 0 \\gset")
    return text
