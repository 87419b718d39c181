"""`vigilia top`: what is wrong, in a terminal, whether the service runs or not.

It reads the store and the history as they lie in their databases, and changes nothing there. Where the service answers,
its API gives live values, and takes what operators do: acknowledge, shelve, write.
"""
