"""How to ask: one module a protocol. base.py holds the contract."""
