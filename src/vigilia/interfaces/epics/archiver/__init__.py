"""The EPICS Archiver Appliance: what it is asked to archive, whether it does, and what it last saw of a set point.

Facts are those of its documentation and source (archiver-appliance epicsarchiverap).
"""
