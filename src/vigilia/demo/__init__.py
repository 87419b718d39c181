"""`vigilia demo`: simulated switches, solar plants and reactors, and the service that watches them."""
