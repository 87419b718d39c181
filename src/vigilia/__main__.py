"""Lets `python -m vigilia` do what the command `vigilia` does."""

from vigilia.cli import main

if __name__ == "__main__":
    main()
