"""Download of one verified file with a progress bar."""

from collections.abc import Sequence
from hashlib import md5
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

PATIENCE = 30  # seconds without a byte after which a server counts as gone
CHUNK = 1 << 16


class DownloadError(Exception):
    """No source gave the file; the message says why for each of them."""


def fetch(urls: Sequence[str], target: Path, expected_md5: str) -> None:
    """Download the first of `urls` that gives a file with this md5 to `target`; a progress bar goes to stderr.

    Raises DownloadError when none does; `target` may then hold a part, so it belongs in a temporary folder.
    """
    failures = []
    for url in urls:
        try:
            found = _download(url, target)
        except (OSError, HTTPException, ValueError) as error:  # ValueError: what urllib makes of a strange address
            failures.append(f"{url}: {error}")
            continue
        if found == expected_md5:
            return
        failures.append(f"{url}: gave a file with md5 {found}, expected {expected_md5}")
    raise DownloadError("; ".join(failures))


def _download(url: str, target: Path) -> str:
    """Write what `url` gives to `target`; returns its md5."""
    digest = md5(usedforsecurity=False)
    with urlopen(Request(url, headers={"User-Agent": "fml-bench"}), timeout=PATIENCE) as answer:
        size = answer.headers.get("Content-Length")
        with target.open("wb") as file, _progress() as progress:
            task = progress.add_task(target.name, total=int(size) if size else None)
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                digest.update(chunk)
                progress.advance(task, len(chunk))
    return digest.hexdigest()


def _progress() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(TextColumn("{task.description}"), BarColumn(), *columns, console=Console(stderr=True))
