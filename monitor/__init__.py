"""Connectivity health monitor for the interconnection points of the Hanoi Public Administrative Service Centre."""

__version__ = "0.1.0"
