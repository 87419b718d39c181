"""The REST API: points, writes, links, events, audit, health and metrics over HTTP.

Only `config` is light. Whoever needs the rest imports `vigilia.interfaces.api.server` when the API is switched on.
"""
