"""What the worker counts; served on 127.0.0.1 when JOBS_METRICS_PORT is set."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, start_http_server

runs = Counter("salesdash_runs", "Runs that left the worker.", ["kind", "outcome"])
run_seconds = Histogram("salesdash_run_seconds", "How long runs took.", ["kind"])
messages = Counter("salesdash_messages", "Messages that left the worker.", ["kind", "outcome"])
database_away = Counter("salesdash_database_away", "Polls that found no database.", ["loop"])
returned = Counter("salesdash_returned", "Runs and messages taken back from dead workers.")
analysts_ended = Counter(
    "salesdash_analysts_ended", "Statements and sessions of analysts over their limit.", ["outcome"]
)
rollup_changes = Counter("salesdash_rollup_changes", "Changes counted into rollups.")
rollup_waiting = Gauge("salesdash_rollup_waiting", "Changes not yet counted into rollups.")
rollup_lag_seconds = Gauge("salesdash_rollup_lag_seconds", "How long the oldest of them waits.")
rollups_not_built = Gauge("salesdash_rollups_not_built", "Organizations without a rollup.")


def serve(port: int) -> None:
    """Answer GET /metrics on this port from a thread of its own."""
    start_http_server(port, addr="127.0.0.1")
