"""The reference model of the ledger, in pure Python."""
from .errors import ANY, Amount, Sent, WalletError
from .many import ITEM_COLUMNS
from .reads import Model

__all__ = ["ANY", "Amount", "ITEM_COLUMNS", "Model", "Sent", "WalletError"]
