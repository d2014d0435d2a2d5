"""
What the model knows: wallets, operations with their ledger rows, entries, holds, keys. Every change
goes through the journal, which takes back what a failed call, a savepoint or a transaction did.
"""
from dataclasses import dataclass, field
from typing import Any, Optional


class Journal:
    """Changes of objects, lists and dictionaries, undone from the newest to a mark."""

    def __init__(self):
        self._undo = []

    def mark(self):
        return len(self._undo)

    def rollback(self, mark):
        while len(self._undo) > mark:
            self._undo.pop()()

    def forget(self):
        self._undo.clear()

    def set(self, thing, name, value):
        old = getattr(thing, name)
        self._undo.append(lambda: setattr(thing, name, old))
        setattr(thing, name, value)

    def append(self, items, item):
        self._undo.append(items.pop)
        items.append(item)

    def put(self, mapping, key, value):
        assert key not in mapping
        self._undo.append(lambda: mapping.pop(key))
        mapping[key] = value


@dataclass(eq=False)
class Wallet:
    id: Optional[str]
    user_id: str
    currency: str
    balance: int = 0
    held: int = 0
    credit_limit: int = 0
    max_balance: Optional[int] = None
    status: str = "active"
    entries: list = field(default_factory=list)
    holds: list = field(default_factory=list)

    @property
    def version(self):
        return len(self.entries) - 1


@dataclass(eq=False)
class Operation:
    """id is bound when the server has told it; an EXPIRE operation has no function and no key."""

    function: Optional[str]
    request: list
    key: Optional[str] = None
    metadata: Any = None
    reverses: Optional["Operation"] = None
    rows: list = field(default_factory=list)
    id: Optional[str] = None
    # What the caller is given: a wallet for wallet_create, else this operation.
    result: Any = None

    @property
    def kind(self):
        return self.rows[0].kind


@dataclass(eq=False)
class Row:
    """One movement; a side that is None is the world outside."""

    operation: Operation
    leg: int
    kind: str
    payer: Optional[Wallet]
    payee: Optional[Wallet]
    amount: int
    hold: Optional["Hold"] = None
    forced: bool = False
    reversed: int = 0


@dataclass(eq=False)
class Entry:
    row: Row
    version: int
    type: str
    counterparty: Optional[Wallet]
    balance_after: int
    held_after: int
    status_after: str
    # Microseconds, bound when the server has told them.
    created_at: Optional[int] = None


@dataclass(eq=False)
class Hold:
    operation: Operation
    wallet: Wallet
    amount: int
    # Microseconds; bound to the server's when that has told them.
    expires_at: int
    captured: int = 0
    released: int = 0
    status: str = "open"

    @property
    def remaining(self):
        return self.amount - self.captured - self.released
