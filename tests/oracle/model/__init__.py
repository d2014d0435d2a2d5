"""The reference model of the ledger, in pure Python."""
from .errors import ANY, Amount, Sent, WalletError
from .reads import Model

__all__ = ["ANY", "Amount", "Model", "Sent", "WalletError"]
