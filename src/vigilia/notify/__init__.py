"""Notices on their way to people: routes, cards, budgets and channels."""
