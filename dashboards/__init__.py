"""Grafana's dashboards: Python that writes JSON. ``python -m dashboards`` makes the files anew; they are committed.

What people read is Vietnamese, its words are the wall's (:mod:`monitor.language.words`), its colours too
(:mod:`dashboards.colours`).
"""
