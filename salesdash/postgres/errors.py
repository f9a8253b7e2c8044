"""What can stop an embedded server."""


class PostgresUnusable(Exception):
    """The embedded server cannot run. The message is one sentence, without secrets."""
