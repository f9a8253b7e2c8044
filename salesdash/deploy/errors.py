"""How a deploy can fail, and what it says then."""

import psycopg


class DeployFailed(Exception):
    """A deploy stopped; what it had begun is rolled back. The message is for the operator."""


def describe(error: psycopg.Error) -> str:
    """What Postgres said, with detail and hint."""
    diag = error.diag
    if diag.message_primary is None:
        return str(error).strip()
    context = (diag.message_detail, diag.message_hint, diag.context)
    return "\n".join(part for part in (diag.message_primary, *context) if part)
