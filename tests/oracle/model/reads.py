"""The reads that the model predicts from a wallet's entries: statement, balance at a time."""
from .many import Many


class Model(Many):
    @staticmethod
    def balance_at(wallet, at):
        """(balance, held, version) as of a time in microseconds, None before creation."""
        entries = [entry for entry in wallet.entries if entry.created_at <= at]
        if not entries:
            return None
        return entries[-1].balance_after, entries[-1].held_after, entries[-1].version

    def statement(self, wallet, since=None, until=None):
        """((balance, held) of the opening, the entries, (balance, held) of the closing)."""
        before = [e for e in wallet.entries if since is not None and e.created_at < since]
        inside = [e for e in wallet.entries[len(before):] if until is None or e.created_at < until]
        opening = (before[-1].balance_after, before[-1].held_after) if before else (0, 0)
        closing = (inside[-1].balance_after, inside[-1].held_after) if inside else opening
        return opening, inside, closing
