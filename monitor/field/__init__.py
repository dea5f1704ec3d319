"""The simulated network of ``monitor demo``, the tests and the benchmarks: real sockets and protocols, no real host.

An address of 127.0.0.0/8 a host; DNS, TLS under an authority of its own, HTTP and TCP, answered by a process of its own
(``python -m monitor.field``). What a host does is set by :class:`monitor.field.network.SimulatedNetwork`, over HTTP by
:mod:`monitor.field.control`.
"""
