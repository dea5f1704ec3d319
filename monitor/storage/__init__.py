"""Keeping: results, transitions and runs in SQLite or PostgreSQL; a spool for when the database is away."""
