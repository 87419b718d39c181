"""Lets `python -m vigilia` do what the command `vigilia` does."""

import sys

from vigilia.cli import main

if __name__ == "__main__":
    sys.exit(main())
