"""Vigilia stands watch over field equipment: it reads it, commands it, and tells people when something is wrong.

The service and its tools are started by the command `vigilia` (see `vigilia.cli`).
"""

__version__ = "0.1.0"
