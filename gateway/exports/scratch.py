"""The disk on which workbooks are written before they leave."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp

from gateway.exports.refusals import no_room, workbook_too_large
from salesdash.logs import get_logger

log = get_logger("gateway.exports")

_PREFIX = "salesdash-workbooks-"


class Scratch:
    """A folder of this process, below TMPDIR or the system's own.

    max_bytes: of one workbook, before it is packed; spare_bytes: of the disk, left to others.
    """

    def __init__(self, *, max_bytes: int, spare_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._spare_bytes = spare_bytes
        self._home: Path | None = None
        self._sizes: dict[Path, int] = {}

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Have the folder until the end of the block; without one, no workbook can be written.

        Those of processes that were killed are removed: nobody holds their lock.
        """
        for left in Path(gettempdir()).glob(f"{_PREFIX}*"):
            with suppress(OSError), _locked(left):
                shutil.rmtree(left)
        try:
            home = Path(mkdtemp(prefix=_PREFIX))
        except OSError as error:
            log.error("there is no folder for workbooks", reason=str(error))
            yield
            return
        with _locked(home):
            self._home = home
            try:
                yield
            finally:
                self._home = None
                shutil.rmtree(home, ignore_errors=True)

    def folder(self) -> Path:
        """An empty folder for the files of one workbook. Raises Refused."""
        if self._home is None:
            raise no_room()
        made = Path(mkdtemp(dir=self._home))
        self._sizes[made] = 0
        return made

    def checked(self, folder: Path) -> int:
        """The bytes of a workbook so far. Raises Refused when that, or all of them, is too much.

        Packing takes as much again as has been written, so there has to be room for that.
        """
        size = self._sizes[folder] = sum(file.stat().st_size for file in folder.iterdir())
        if size > self._max_bytes:
            raise workbook_too_large()
        needed = sum(list(self._sizes.values())) + self._spare_bytes
        if shutil.disk_usage(folder).free < needed:
            raise no_room()
        return size

    def remove(self, folder: Path) -> None:
        """Give the room back, also of files that are still open."""
        with suppress(OSError):
            for file in folder.iterdir():
                os.truncate(file, 0)
        shutil.rmtree(folder, ignore_errors=True)
        self._sizes.pop(folder, None)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder. Raises OSError when another process has it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
