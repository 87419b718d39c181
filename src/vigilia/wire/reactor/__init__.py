"""The protocol of reactors."""
