"""History: the time series of every point's readings, kept in a database of their own, and found again.

The recorder sees every reading and puts what is worth keeping into a spool on disk; the writer carries the spool into
a back end; questions go to the back end. See docs/explanation/history.md.
"""
