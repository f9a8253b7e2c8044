"""Deliveries that no provider would send: payloads on file, changed at random.

A case is a function of its number alone, so that whatever it shows can be shown again.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tests.senders import SENDERS, Sender

MIB = 1024 * 1024
DEPTHS = (10, 60, 200, 500, 900, 1020, 1030, 5_000, 20_000)
SIGNINGS = ("none", "other secret", "garbled", "changed after")
"""Ways of not being genuine."""

_ID = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z]{2,6}_(?=[A-Za-z]*[0-9])[A-Za-z0-9]{6,}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


class Case(NamedTuple):
    """One delivery. payload: the file it began as; times: how often it is sent at once."""

    number: int
    provider: str
    payload: str
    changes: tuple[str, ...]
    body: bytes
    signing: str
    times: int

    def told(self) -> str:
        """What to say about it when something is wrong."""
        how = ", ".join(self.changes) or "unchanged"
        return f"case {self.number} ({self.provider} {self.payload}: {how}; {self.signing})"


class Raw(str):
    """Text that becomes part of the JSON as it is, good JSON or not."""

    __slots__ = ()


def make_case(number: int, senders: Sequence[Sender] | None = None) -> Case:
    """The case of this number."""
    rng = Random(f"salesdash {number}")
    sender = rng.choice(senders or list(SENDERS.values()))
    path = rng.choice(sender.payloads)
    original = _contents(path)
    changes: list[str] = []
    body = original
    document = _document(_with_new_ids(original, rng) if rng.random() < 0.9 else original)
    if document is not None:
        for change in rng.choices(STRUCTURAL, k=rng.choice((0, 1, 1, 2, 3))):
            changes.append(change.__name__)
            document = change(rng, document)
        body = dumped(document)
    if rng.random() < (0.4 if document is not None else 0.8):
        change = rng.choice(TEXTUAL)
        changes.append(change.__name__)
        body = change(rng, body)
    signing = "genuine" if rng.random() < 0.85 else rng.choice(SIGNINGS)
    times = 2 if rng.random() < 0.05 else 1
    return Case(number, sender.provider, path.name, tuple(changes), body, signing, times)


def dumped(document: object) -> bytes:
    """The JSON of a document, with Raw parts as they are."""
    raw: list[str] = []

    def plain(value: object) -> object:
        if isinstance(value, Raw):
            raw.append(str(value))
            return f"\x01raw{len(raw) - 1}\x01"
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        return value

    text = json.dumps(plain(document))
    return re.sub(r'"\\u0001raw(\d+)\\u0001"', lambda found: raw[int(found[1])], text).encode(
        errors="surrogatepass"
    )


@cache
def _contents(path: Path) -> bytes:
    return path.read_bytes()


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _with_new_ids(body: bytes, rng: Random) -> bytes:
    """The same with other ids, each of them the same everywhere."""
    new: dict[str, str] = {}

    def renamed(found: re.Match[str]) -> str:
        if found[0] not in new:
            letters = "0123456789abcdef"
            new[found[0]] = "".join(
                rng.choice(letters) if each in letters else each for each in found[0]
            )
        return new[found[0]]

    return _ID.sub(renamed, body.decode()).encode()


# -- changes of the document


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key or index) in the document."""
    if isinstance(document, dict):
        inner: Any = document.items()
    elif isinstance(document, list):
        inner = enumerate(document)
    else:
        return
    for key, value in inner:
        yield document, key
        yield from _places(value)


def _place(rng: Random, document: Any) -> tuple[Any, Any] | None:
    """Somewhere in it; the envelope half of the time."""
    places = list(_places(document))
    if not places:
        return None
    near = [place for place in places if place[0] is document]
    return rng.choice(near if rng.random() < 0.2 else places)


TEXTS = (
    "",
    " ",
    "\u0000",
    "a\u0000b",
    "\ud800",
    "\udc00\ud800",
    "\ufeff",
    "\u202e",
    "\x01\x1f\x7f",
    "\r\nset-cookie: a=b",
    "'; drop table app.payments; --",
    "' or 1=1 --",
    "${jndi:ldap://example.test}",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "../../etc/passwd",
    "null",
    "NaN",
    "-0",
    "1e400",
    "infinity",
    "-infinity",
    "2026-13-45T99:99:99Z",
    "0000-00-00T00:00:00Z",
    "99999-01-01T00:00:00Z",
    "2026-02-29T10:00:00+99:99",
    "2026-03-10T12:00:00.123456789123Z",
    "epoch",
    "now",
    "00000000-0000-0000-0000-000000000000",
    "é" * 300,
    "👩‍👩‍👧" * 100,
    "x" * 256,
    "x" * 70_000,
    "a@b",
    "@",
    "a" * 300 + "@example.test",
    "USD",
    "XXX",
    "İ",
)
NUMBERS = (
    "0",
    "-0",
    "-0.0",
    "-1",
    "0.1",
    "1.005",
    "1e2",
    "1E+2",
    "99999999999999999999999999999999",
    "-99999999999999999999999999999999",
    "9223372036854775807",
    "9223372036854775808",
    "2147483648",
    "1e18",
    "1e30",
    "1e300",
    "1e309",
    "1e-300",
    "1e-400",
    "1e999999",
    "1e-99999",
    "1e131073",
    "0." + "1" * 16_500,
    "9" * 5_000,
    "0." + "0" * 400 + "1",
    "4102444801",
    "-62135596801",
    "253402300800",
)


def another_value(rng: Random, document: Any) -> Any:
    """A value of another type, or a strange one of the same."""
    place = _place(rng, document)
    if place is not None:
        place[0][place[1]] = rng.choice(
            [
                None,
                True,
                False,
                [],
                {},
                [None],
                {"id": None},
                {"id": {"id": 1}},
                rng.choice(TEXTS),
                rng.choice(TEXTS),
                Raw(rng.choice(NUMBERS)),
                Raw(rng.choice(NUMBERS)),
            ]
        )
    return document


def a_missing_key(rng: Random, document: Any) -> Any:
    """Somewhere a key or an element is gone."""
    place = _place(rng, document)
    if place is not None:
        del place[0][place[1]]
    return document


def wrapped(rng: Random, document: Any) -> Any:
    """A value inside a list or an object of its own."""
    place = _place(rng, document)
    if place is not None:
        inner = place[0][place[1]]
        place[0][place[1]] = rng.choice([[inner], [inner, inner], {"value": inner}, {"id": inner}])
    return document


def swapped(rng: Random, document: Any) -> Any:
    """Two values in each other's place."""
    one, other = _place(rng, document), _place(rng, document)
    if one is not None and other is not None:
        first, second = (copy.deepcopy(place[0][place[1]]) for place in (one, other))
        one[0][one[1]] = second
        other[0][other[1]] = first
    return document


def another_number(rng: Random, document: Any) -> Any:
    """A number that is too large, too fine, or negative."""
    places = [
        place
        for place in _places(document)
        if isinstance(place[0][place[1]], int | float)
        or (
            isinstance(place[0][place[1]], str)
            and re.fullmatch(r"-?\d+(\.\d+)?", place[0][place[1]])
        )
    ]
    if places:
        container, key = rng.choice(places)
        number = rng.choice(NUMBERS)
        container[key] = number if isinstance(container[key], str) else Raw(number)
    return document


def deep(rng: Random, document: Any) -> Any:
    """Somewhere there are thousands of levels."""
    place = _place(rng, document)
    if place is not None:
        depth = rng.choice(DEPTHS)
        opening, closing = rng.choice([("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
        place[0][place[1]] = Raw(opening * depth + "1" + closing * depth)
    return document


def wide(rng: Random, document: Any) -> Any:
    """Somewhere there are very many values, or one is very long."""
    place = _place(rng, document)
    if place is not None and rng.random() < 0.12:
        size = rng.choice((1_000, 20_000, 300_000, MIB - 4_000, MIB, MIB + 100_000))
        place[0][place[1]] = rng.choice(
            [
                lambda: "x" * size,
                lambda: [1] * (size // 7),
                lambda: {f"k{n}": n for n in range(size // 22)},
                lambda: {"k" * size: 1},
            ]
        )()
    return document


def odd_key(rng: Random, document: Any) -> Any:
    """A key that nobody expects beside the others."""
    objects = [document] if isinstance(document, dict) else []
    objects += [
        place[0][place[1]] for place in _places(document) if isinstance(place[0][place[1]], dict)
    ]
    if objects:
        rng.choice(objects)[rng.choice(TEXTS)] = rng.choice([1, "x", None, {}])
    return document


STRUCTURAL: Sequence[Callable[[Random, Any], Any]] = (
    another_value,
    another_value,
    another_value,
    another_number,
    another_number,
    a_missing_key,
    a_missing_key,
    wrapped,
    swapped,
    deep,
    wide,
    odd_key,
)

# -- changes of the text


def truncated(rng: Random, body: bytes) -> bytes:
    """Only its beginning."""
    return body[: rng.randrange(len(body) + 1)]


def repeated_key(rng: Random, body: bytes) -> bytes:
    """A key twice in one object, with different values."""
    keys = list(re.finditer(rb'"([A-Za-z_]+)": ', body))
    if not keys:
        return body
    found = rng.choice(keys)
    value = rng.choice([b"null", b'"x"', b"[]", b"{}", b"-1", b"true"])
    return body[: found.start()] + found[0] + value + b", " + body[found.start() :]


def re_encoded(rng: Random, body: bytes) -> bytes:
    """The same characters in another encoding."""
    text = body.decode(errors="replace") + rng.choice(["", "é", "\ufeff"])
    encoding = rng.choice(["utf-16", "utf-16-le", "utf-32", "latin-1", "utf-8-sig", "utf-7"])
    return text.encode(encoding, errors="replace")


def strange_bytes(rng: Random, body: bytes) -> bytes:
    """Bytes in the middle that have no business there."""
    at = rng.randrange(len(body) + 1)
    strange = rng.choice(
        [b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x1b[2J", b"\r\n"]
    )
    return body[:at] + strange + body[at:]


def flipped(rng: Random, body: bytes) -> bytes:
    """Some bits are the other way."""
    changed = bytearray(body)
    for _ in range(rng.choice((1, 1, 3, 20)) if changed else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def escaped(rng: Random, body: bytes) -> bytes:
    """A string begins with an escape that means nothing good."""
    escape = rng.choice(
        [rb"\u0000", rb"\ud800", rb"\udfff\ud800", rb"\u00", rb"\x41", rb"\\u0000", rb"\\\u0000"]
    )
    strings = list(re.finditer(rb': "', body))
    if not strings:
        return escape
    at = rng.choice(strings).end()
    return body[:at] + escape + body[at:]


def no_number(rng: Random, body: bytes) -> bytes:
    """A number in a way of writing that JSON does not have."""
    numbers = list(re.finditer(rb": (-?\d+)", body))
    written = rng.choice([b"NaN", b"Infinity", b"-Infinity", b"+1", b"01", b"0x1F", b"1.", b".5"])
    if not numbers:
        return written
    found = rng.choice(numbers)
    return body[: found.start(1)] + written + body[found.end(1) :]


def another_shape(rng: Random, body: bytes) -> bytes:
    """Something else than an object."""
    return rng.choice(
        [
            b"",
            b" ",
            b"null",
            b"true",
            b"7",
            b'"text"',
            b"[]",
            b"{}",
            b"[" + body + b"]",
            body + body,
            body + b"\n" + body,
            body + b",",
            b"/* */" + body,
            b"<xml/>",
            b"id=1&action=x&" + b"a" * 50,
            b"%00=%ff&&==&id=%",
            b"payload=" + body,
            body.replace(b'"', b"'"),
        ]
    )


def huge(rng: Random, body: bytes) -> bytes:
    """As long as a delivery may be, or longer."""
    if rng.random() < 0.6:
        return body + b" " * rng.randrange(4_000)
    return body + b" " * (MIB - len(body) + rng.choice((-1, 0, 1, 50_000)))


TEXTUAL: Sequence[Callable[[Random, bytes], bytes]] = (
    truncated,
    repeated_key,
    repeated_key,
    re_encoded,
    strange_bytes,
    flipped,
    escaped,
    escaped,
    no_number,
    another_shape,
    huge,
)
