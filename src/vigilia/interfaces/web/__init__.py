"""The pages: what web/ was built into, handed out to browsers."""
