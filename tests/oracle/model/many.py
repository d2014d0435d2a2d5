"""The functions that move money by several rows: batch, post and reversals."""
from dataclasses import dataclass
from typing import Optional

from . import arguments, errors, money
from .core import Holds
from .state import Operation

# The arguments of an item, each with the array that holds it.
ITEM_COLUMNS = {"from_wallet_id": "from_wallet_ids", "to_wallet_id": "to_wallet_ids", "amount": "amounts",
                "idempotency_key": "idempotency_keys", "metadata": "item_metadata",
                "expected_version": "expected_versions"}
REVERSIBLE = ("FUND", "WITHDRAW", "TRANSFER", "CAPTURE")


@dataclass
class ItemResult:
    """What a batch returns for an item."""

    operation: Optional[Operation] = None
    is_replay: bool = False
    error: Optional[errors.WalletError] = None

    @property
    def code(self):
        return self.error.code if self.error else "00000"


class Many(Holds):
    """
    Of several legs that fail, the contract's table says which check comes first and its text that
    they come in order: the model expects the table's order and takes the other where the server does.
    """

    def wallet_transfer_batch(self, _function, values):
        items = self.batch_items(values)
        if values["atomic"]:
            self.check_batch_in_table_order(items)
        results = []
        for index, item in enumerate(items, 1):
            mark, made = self.journal.mark(), len(self.made)
            try:
                operation, is_replay = self.batch_item(item)
                results.append(ItemResult(operation, is_replay))
            except errors.WalletError as error:
                if values["atomic"]:
                    raise error.at(index)
                self.journal.rollback(mark)
                del self.made[made:]
                results.append(ItemResult(error=error))
        return results

    @staticmethod
    def batch_items(values):
        """Each item as the arguments of a wallet_transfer, which it is for its key."""
        count = len(values["from_wallet_ids"])
        if values["metadata"] is not None and values["item_metadata"] is not None:
            raise errors.malformed("item_metadata")
        columns = {}
        for name, column in ITEM_COLUMNS.items():
            columns[name] = [None] * count if values[column] is None else values[column]
            if len(columns[name]) != count:
                raise errors.malformed(column)
        if count > arguments.ITEMS:
            raise errors.malformed("from_wallet_ids")
        items = [dict(zip(columns, item)) for item in zip(*columns.values())]
        for item in items:
            item["metadata"] = item["metadata"] or values["metadata"]
        return items

    def batch_pair(self, item):
        """The item's two wallets after all checks but that of money, or the operation it repeats."""
        for _, error in arguments.leg_errors(item["from_wallet_id"], item["to_wallet_id"], item["amount"],
                                             item["idempotency_key"], item["expected_version"], item["metadata"]):
            raise error
        replayed = self.replay_of("wallet_transfer", item)
        if replayed is not None:
            return None, None, replayed
        payer, payee = self.find(item["from_wallet_id"]), self.find(item["to_wallet_id"])
        self.check_request(payer, item)
        self.check_pair(payer, payee)
        return payer, payee, None

    def check_batch_in_table_order(self, items):
        for index, item in enumerate(items, 1):
            try:
                self.batch_pair(item)
            except errors.WalletError as error:
                if self.fails_before(items[: index - 1]):
                    self.may_fail("which item of an atomic batch is reported", error.at(index))

    def fails_before(self, items):
        """Whether an earlier item fails, so that it is a question which one is reported."""
        mark, made = self.journal.mark(), len(self.made)
        try:
            for item in items:
                self.batch_item(item)
        except errors.WalletError:
            return True
        finally:
            self.journal.rollback(mark)
            del self.made[made:]
        return False

    def batch_item(self, item):
        """(the operation, whether it was done before)"""
        payer, payee, replayed = self.batch_pair(item)
        if replayed is not None:
            return replayed, True
        amount = money.parse(item["amount"])
        self.sweep(payer)
        self.check_money(payer, payee, amount)
        operation = self.begin("wallet_transfer", item)
        self.add_row(operation, "TRANSFER", payer, payee, amount)
        return operation, False

    def raise_first(self, question, found):
        """found: [(rank in the table, index, error)]."""
        if not found:
            return
        in_order = min(found, key=lambda item: (item[1], item[0]))
        by_table = min(found, key=lambda item: item[:2])
        if in_order is not by_table:
            self.may_fail(question, in_order[2].at(in_order[1]))
        raise by_table[2].at(by_table[1])

    def wallet_post(self, function, values):
        legs = values["legs"]
        if not 1 <= len(legs) <= arguments.ITEMS:
            raise errors.malformed("legs")
        self.raise_first("which leg of a post is reported", [
            (rank, index, error)
            for index, leg in enumerate(legs, 1)
            for rank, error in arguments.leg_errors(*(leg or (None, None, None)))])
        replayed = self.replay_of(function, values)
        if replayed is not None:
            return replayed
        pairs = []
        for index, (payer_id, payee_id, amount) in enumerate(legs, 1):
            try:
                pairs.append((self.find(payer_id), self.find(payee_id), money.parse(amount)))
            except errors.WalletError as error:
                raise error.at(index)
        for index, ((payer, _, _), leg) in enumerate(zip(pairs, legs), 1):
            try:
                self.check_scale(payer, "amount", leg[2])
            except errors.WalletError as error:
                raise error.at(index)
        self.check_version(pairs[0][0], values)
        self.check_legs("which leg of a post is reported", pairs)
        # Operations of their own, before the post's: its id comes after theirs on every wallet.
        self.sweep(*[payer for payer, _, _ in pairs])
        operation = self.begin(function, values)
        for index, (payer, payee, amount) in enumerate(pairs, 1):
            self.check_leg_money(index, payer, payee, amount)
            self.add_row(operation, "TRANSFER", payer, payee, amount)
        return operation

    def check_leg_money(self, index, payer, payee, amount):
        try:
            self.check_money(payer, payee, amount)
        except errors.WalletError as error:
            raise error.at(index)

    def check_legs(self, question, pairs):
        """Closed, frozen and currency of all legs; an earlier leg may lack the money instead."""
        found = []
        for index, (payer, payee, _) in enumerate(pairs, 1):
            for rank, check in enumerate((lambda a, b: (self.check_active(a), self.check_active(b)),
                                          lambda a, b: self.check_currency(b, a))):
                try:
                    check(payer, payee)
                except errors.WalletError as error:
                    found.append((rank, index, error.at(index)))
        if found:
            self.may_lack_money(question, pairs[: min(index for _, index, _ in found) - 1])
        self.raise_first(question, found)

    def may_lack_money(self, question, pairs):
        """Whether the legs before the first that fails for another reason would lack money."""
        mark, made = self.journal.mark(), len(self.made)
        failed = None
        try:
            self.sweep(*[payer for payer, _, _ in pairs])
            operation = self.begin(None)
            for index, (payer, payee, amount) in enumerate(pairs, 1):
                self.check_leg_money(index, payer, payee, amount)
                self.add_row(operation, "TRANSFER", payer, payee, amount)
        except errors.WalletError as error:
            failed = error
        self.journal.rollback(mark)
        del self.made[made:]
        if failed is not None:
            self.may_fail(question, failed)

    def wallet_reverse(self, function, values):
        return self.reverse(function, values, forced=False)

    def wallet_reverse_force(self, function, values):
        return self.reverse(function, values, forced=True)

    def reverse(self, function, values, forced):
        replayed = self.replay_of(function, values)
        if replayed is not None:
            return replayed
        reversed_operation = self.operations.get(values["transaction_id"])
        if reversed_operation is None:
            raise errors.operation_not_found(values["transaction_id"])
        requested = arguments.optional_amount(values, "amount")
        if reversed_operation.kind not in REVERSIBLE:
            self.raise_not_reversible(reversed_operation, values)
        rows = [row for row in reversed_operation.rows if row.kind in REVERSIBLE]
        debited = [row.payee for row in rows if row.payee is not None]
        self.check_request(debited[0] if debited else rows[0].payer, values)
        reversible = rows[0].amount - rows[0].reversed
        is_too_much = requested is not None and requested > reversible
        amount = reversible if requested is None or is_too_much else requested
        shares = self.shares(rows, rows[0].reversed + amount)
        self.check_reversal_states(rows, shares)
        if is_too_much or not any(shares):
            raise errors.exceeds_reversible(reversed_operation, reversible, requested)
        self.sweep(*debited)
        operation = self.begin(function, values, reverses=reversed_operation)
        # The last leg first: what a later leg brought pays for an earlier one's way back.
        for row, share in reversed(list(zip(rows, shares))):
            if share:
                self.reverse_row(operation, row, share, forced)
        return operation

    def shares(self, rows, paid_back):
        """What each leg pays back, once so much has been paid back of the first; the last step completes all."""
        whole = rows[0].amount
        targets = [row.amount if paid_back == whole
                   else money.share(row.amount, paid_back, whole, self.scale((row.payer or row.payee).currency))
                   for row in rows]
        return [max(target - row.reversed, 0) for target, row in zip(targets, rows)]

    def raise_not_reversible(self, operation, values):
        """Which wallet would be debited is no question that has an answer here."""
        for row in operation.rows:
            for wallet in filter(None, (row.payee, row.payer)):
                for check in (lambda: self.check_request(wallet, values), lambda: self.check_active(wallet)):
                    try:
                        check()
                    except errors.WalletError as error:
                        self.may_fail("whether a wallet is looked at before WL031", error)
        raise errors.not_reversible(operation)

    def check_reversal_states(self, rows, shares):
        """A frozen wallet pays nothing back, and takes what is paid back to it."""
        for row, share in zip(rows, shares):
            try:
                if row.payee is not None:
                    self.check_active(row.payee)
                if row.payer is not None:
                    self.check_not_closed(row.payer)
            except errors.WalletError as error:
                if share or sum(shares) == 0:
                    raise
                self.may_fail("whether a leg without a share is looked at", error)

    def reverse_row(self, operation, row, share, forced):
        debited, credited = row.payee, row.payer
        if debited is not None and not forced:
            self.check_floor(debited, share)
        if debited is not None and debited.balance - share < -money.LARGEST:
            raise errors.limit_exceeded(debited)
        if credited is not None:
            self.check_ceiling(credited, share)
        self.journal.set(row, "reversed", row.reversed + share)
        self.add_row(operation, "REVERSAL", debited, credited, share, forced=forced)
