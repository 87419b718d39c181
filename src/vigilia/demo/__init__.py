"""`vigilia demo`: simulated switches and solar plants, and the service that watches both, with things to try."""
