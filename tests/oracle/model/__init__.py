"""The reference model of the ledger, in pure Python."""
from .core import SCALES
from .errors import ANY, Amount, Sent, WalletError
from .many import ITEM_COLUMNS
from .reads import Model

__all__ = ["SCALES", "ANY", "Amount", "ITEM_COLUMNS", "Model", "Sent", "WalletError"]
