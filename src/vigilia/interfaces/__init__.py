"""What shows points to the world and takes its writes: EPICS, the REST API, metrics. None knows a driver."""
