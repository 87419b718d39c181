"""Version 1 of the protocol: reactor.proto says it field by field. scripts/wire makes the code anew."""
