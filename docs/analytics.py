"""Asks the questions of analytics.md of the demo, as an analyst, and writes answers and charts.

python -m docs.analytics (or `make docs`) starts a server of its own, tells the demo as it stood at
NOW, and rewrites the page and its charts. rendered() is also what a test compares the page with.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

FOLDER = Path(__file__).parent
PAGE = FOLDER / "analytics.md"
NOW = datetime(2026, 5, 20, 15, 30, tzinfo=UTC)
ORGANIZATION = "northwind"

QUESTION = re.compile(
    r"```sql\n(?P<query>.*?)```\n\n<!-- answer: (?P<name>\w+) -->\n.*?<!-- end -->", re.DOTALL
)
BLUE, ORANGE, GREEN, PURPLE = "#4c8dd6", "#d9822b", "#3fa66b", "#b070c0"
INK = "#123456"
"""Stands for the colour of text until the chart is written: light on dark pages, dark on light."""

Rows = Sequence[Mapping[str, Any]]


def answers(page: str, connection: psycopg.Connection[Any]) -> dict[str, Rows]:
    """Every question of the page, asked on this connection. Result: rows by name of the answer."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return {
            found["name"]: cursor.execute(found["query"].encode()).fetchall()
            for found in QUESTION.finditer(page)
        }


def rendered(page: str, given: Mapping[str, Rows]) -> str:
    """The page with these answers in their places."""

    def written(found: re.Match[str]) -> str:
        return (
            f"```sql\n{found['query']}```\n\n<!-- answer: {found['name']} -->\n"
            f"{_table(given[found['name']])}<!-- end -->"
        )

    return QUESTION.sub(written, page)


def charts(given: Mapping[str, Rows]) -> dict[str, str]:
    """The charts of the page, drawn from its answers. Result: SVG by name of the file."""
    return {
        "analytics-show-rate.svg": _show_rate(given["show_rate"]),
        "analytics-cash.svg": _cash(given["cash"]),
    }


def _table(rows: Rows) -> str:
    columns = list(rows[0])
    numbers = {c for c in columns if all(isinstance(r[c], int | Decimal | None) for r in rows)}
    rule = ("---:" if column in numbers else "---" for column in columns)
    lines = [columns, rule, *([_cell(row[c]) for c in columns] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: object) -> str:
    match value:
        case None:
            return "—"
        case int():
            return f"{value:,}"
        case Decimal() if value.as_tuple().exponent == -2:
            return f"{value:,.2f}"
        case _:
            return str(value)


def _show_rate(rows: Rows) -> str:
    weeks = [row["week"] for row in rows]
    figure, axes = _axes()
    for column, label, color in (
        ("youtube", "YouTube", ORANGE),
        ("instagram", "Instagram", GREEN),
        ("facebook_ads", "Facebook Ads", PURPLE),
        ("referral", "Referral", "#8a8f98"),
    ):
        axes.plot(weeks, _percent(rows, column), color=color, linewidth=1.2, label=label)
    axes.plot(
        weeks, _percent(rows, "all_sources"), color=BLUE, linewidth=3, marker="o", label="All"
    )
    axes.set_title("Show rate by week, percent", loc="left", color=INK)
    axes.set_ylim(0, 105)
    axes.set_xticks(weeks, [f"{week:%d %b}" for week in weeks])
    return _svg(figure, axes, columns=5)


def _cash(rows: Rows) -> str:
    figure, axes = _axes()
    places = range(len(rows))
    for offset, column, label, color in (
        (-0.2, "contracted", "Contracted", BLUE),
        (0.2, "net_cash", "Net cash", ORANGE),
    ):
        heights = [float(row[column] or 0) / 1000 for row in rows]
        axes.bar([place + offset for place in places], heights, 0.38, color=color, label=label)
    axes.set_title("Sold and arrived, thousands of US dollars", loc="left", color=INK)
    axes.set_xticks(list(places), [_month(row["month"]) for row in rows])
    return _svg(figure, axes, columns=2)


def _month(day: date) -> str:
    return f"{day:%b %Y}"


def _percent(rows: Rows, column: str) -> list[float]:
    return [float("nan") if row[column] is None else float(row[column]) * 100 for row in rows]


def _axes() -> tuple[Any, Any]:
    import matplotlib as mpl  # noqa: PLC0415 - only where charts are drawn

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "docs"
    import matplotlib.pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(8, 3.6))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)
    axes.tick_params(colors=INK)
    axes.grid(axis="y", color="#8a8f98", alpha=0.3)
    return figure, axes


def _svg(figure: Any, axes: Any, *, columns: int) -> str:
    """Without a background, and with text in the colour that the page's theme asks for."""
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.12),
        ncols=columns,
        frameon=False,
        labelcolor=INK,
    )
    drawn = StringIO()
    figure.savefig(
        drawn,
        format="svg",
        transparent=True,
        bbox_inches="tight",
        metadata={"Date": None, "Creator": None},
    )
    theme = (
        "<style>svg{color:#1f2328}"
        "@media (prefers-color-scheme:dark){svg{color:#e6edf3}}</style>\n <defs>"
    )
    lines = drawn.getvalue().replace(INK, "currentColor").replace("<defs>", theme, 1)
    return "".join(f"{line.rstrip()}\n" for line in lines.splitlines())


def main() -> None:
    """Write the page and its charts anew, from a demo in a server of its own."""
    from salesdash import demo  # noqa: PLC0415 - the test brings its own
    from tests.analysts import analyst_login  # noqa: PLC0415
    from tests.demo.test_demo import SETTINGS  # noqa: PLC0415
    from tests.fixtures.cluster import deployed_template, running_cluster  # noqa: PLC0415
    from tests.fixtures.databases import clone  # noqa: PLC0415

    with (
        running_cluster(f"docs{os.getpid()}") as cluster,
        clone(cluster, deployed_template(cluster)) as database,
    ):
        demo.load(database.deployer_url, SETTINGS, lambda _done, _total: None, now=NOW)
        with psycopg.connect(database.superuser_url) as connection:
            row = connection.execute(
                "select id from app.organizations where slug = %s", (ORGANIZATION,)
            ).fetchone()
            assert row is not None
        with (
            analyst_login(database, row[0]) as login,
            psycopg.connect(login.url) as connection,
        ):
            page = PAGE.read_text()
            given = answers(page, connection)
    PAGE.write_text(rendered(page, given))
    for name, drawn in charts(given).items():
        (FOLDER / name).write_text(drawn)


if __name__ == "__main__":
    main()
