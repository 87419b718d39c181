"""EPICS: every point as a process variable, over Channel Access and PV Access."""
