"""Reports: what went wrong in a week, and for how long."""
