"""Where a followed link may lead: allow-listed origins and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

_PORTS = {"http": 80, "https": 443}


class Redirects:
    """Knows the allowed origins. site_url and origins: http(s) URLs, without trailing slash."""

    def __init__(self, site_url: str, origins: Sequence[str]) -> None:
        self.site_url = site_url
        self._allowed = {_origin(urlsplit(url)) for url in (site_url, *origins)}

    def allowed(self, url: str | None) -> str | None:
        """The URL when its origin is on the list, else None.

        Whatever browsers and Python might read differently (backslashes, blanks, credentials) is
        refused, not repaired.
        """
        if not url or len(url) > 2048 or not url.isascii():
            return None
        if any(character <= " " or character in '\\"<>' for character in url):
            return None
        try:
            parts = urlsplit(url)
            origin = _origin(parts)
        except ValueError:
            return None
        if "@" in parts.netloc or origin is None or origin not in self._allowed:
            return None
        return url


def with_query(url: str, values: Mapping[str, str]) -> str:
    """The URL with these names set in its query; others stay."""
    parts = urlsplit(url)
    kept = [
        pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in values
    ]
    return urlunsplit(parts._replace(query=urlencode([*kept, *values.items()])))


def with_fragment(url: str, values: Mapping[str, str]) -> str:
    """The URL with these values as its fragment, as the implicit flow hands over a session."""
    return urlunsplit(urlsplit(url)._replace(fragment=urlencode(values)))


def _origin(parts: SplitResult) -> tuple[str, str, int] | None:
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
