"""Alarms: a pure state machine, the rules it judges by, suppression, and the engine that keeps them all."""
