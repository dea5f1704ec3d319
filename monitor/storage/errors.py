"""The errors of this room."""

from __future__ import annotations


class StorageError(Exception):
    """The database could not do what was asked: away, locked, full, damaged, too new.

    The message is for operators: it names the file or server (never a password) and, where there is one, the remedy.
    """


class StorageUnusable(StorageError):
    """Waiting does not help, somebody must act: an unreadable URL, a file that is no database, a schema too new."""
