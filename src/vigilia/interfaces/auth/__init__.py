"""Sign-in: who somebody is, what they may do, and how they say so, for the pages and the REST API.

Only `config` and `roles` are light. Whoever needs the rest imports it when the API is switched on.
"""
