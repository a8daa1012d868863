"""The field's vocabulary as small frozen records, and the pure functions on them.

Signs follow the load convention: battery power + charges, grid power + imports,
``grid = load + battery - pv``. Load and PV are magnitudes >= 0. Names carry units; state of charge is 0..1.
Instants are aware and in UTC; an interval is ``[start, end)`` and its power is the mean over it.
"""
