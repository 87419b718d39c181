"""Simulated equipment: servers that really listen, and misbehave on request.

Nothing of the service imports this package; `vigilia sim …`, the tests and the bench do.
"""
