"""Benchmarks: each a command (``python -m bench.NAME --help``) that prints a table and writes JSON to bench/results."""
