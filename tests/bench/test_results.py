"""The results keep what was not measured again."""

from pathlib import Path

from bench.measure import Row
from bench.results import HEAD, keep

ORDER = ("first", "second", "third")


def row(value: str) -> Row:
    return Row("what", value, "baseline", 1.0, "≤ 2 x the time", True)


def test_a_part_replaces_its_own_section_alone(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    file.write_text("# Results\n\nAbout all.\n")
    keep("third", [row("3 ms")], ORDER, file=file)
    keep("first", [row("1 ms")], ORDER, file=file)
    keep("third", [row("4 ms")], ORDER, file=file)
    text = file.read_text()
    assert text.startswith("# Results\n\nAbout all.\n")
    assert text.index("## first") < text.index("| what | 1 ms ") < text.index("## third")
    assert text.index("## third") < text.index("| what | 4 ms ")
    assert "3 ms" not in text


def test_a_remark_about_a_part_stays(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    file.write_text(
        f"# Results\n\n## first\n\nMeasured on a day.\nNoisy.\n\n{HEAD}\n|---|\n| old |\n"
    )
    keep("first", [row("1 ms")], ORDER, file=file)
    keep("second", [row("2 ms")], ORDER, file=file)
    text = file.read_text()
    assert text.count("Noisy.") == 1
    assert "a day" not in text
    assert "| old |" not in text
