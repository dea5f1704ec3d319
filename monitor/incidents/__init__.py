"""Incidents: one fault with one cause, and every point that it touches.

Pure: :mod:`~monitor.incidents.register` turns decided rows into events, :mod:`~monitor.incidents.fold` turns events
into incidents. Events are stored and never altered; an incident is what its events add up to.
"""
