"""A real browser without a window: what it asks for, what its console says, how wide it lays a page out."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    "--host-resolver-rules=MAP * ~NOTFOUND",  # whatever is asked for, by the page or by the browser, nothing leaves
)


@dataclass(frozen=True)
class Visit:
    """What happened while a page was opened."""

    console: list[str]  # messages
    requests: list[str]  # addresses outside the page
    screenshot: bytes
    dom: str


def visit(page: Path, folder: Path, width: int, height: int = 2000, dark: bool = False) -> Visit:
    """Open a page at this width; `folder` takes the browser's own files."""
    folder.mkdir(parents=True, exist_ok=True)
    log, shot = folder / "net.json", folder / "page.png"
    done = subprocess.run(
        [
            str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}",
            "--enable-logging=stderr", f"--window-size={width},{height}", f"--screenshot={shot}",
            *(["--blink-settings=preferredColorScheme=0"] if dark else []), page.resolve().as_uri(),
        ],
        capture_output=True, text=True, errors="replace", timeout=120,
    )  # fmt: skip
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Visit(console, _requests(log), shot.read_bytes() if shot.exists() else b"", done.stdout)


def _requests(log: Path) -> list[str]:
    """Addresses that a page asked for over a network; what the browser asks for itself has no origin."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    try:
        events = json.loads(text)["events"]
    except ValueError:  # a log that was cut off at the end is still a list of events, one a line
        events = [json.loads(line.rstrip(",")) for line in text.splitlines() if re.match(r'\{"(params|phase)"', line)]
    params = [event.get("params") or {} for event in events]
    asked = {str(each["url"]) for each in params if each.get("initiator", "not an origin") != "not an origin"}
    return sorted(url for url in asked if url.startswith(("http:", "https:", "ws:", "wss:", "ftp:")))


def colours(png: bytes) -> tuple[int, int, int]:
    """The background of a screenshot: the colour of its lower left corner."""
    from io import BytesIO

    from PIL import Image

    red, green, blue = Image.open(BytesIO(png)).convert("RGB").getpixel((2, 2))  # type: ignore[misc]
    return red, green, blue


def overflow(page: Path, folder: Path, width: int) -> str:
    """The page in a frame of this width beside a script that says what is wider: "" where nothing is."""
    frame = folder / "frame.html"
    folder.mkdir(parents=True, exist_ok=True)
    body = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    script = (
        "<script>addEventListener('load', () => { const w = document.documentElement.clientWidth;"
        "document.title = JSON.stringify([...document.querySelectorAll('main *, header *')]"
        ".filter(e => !e.closest('.wide, pre, svg, details:not([open])') && e.getBoundingClientRect().right > w + 1)"
        ".slice(0, 5).map(e => e.tagName + '.' + e.className + ': ' + e.textContent.slice(0, 40)))"
        " + ' of ' + w })</script>"
    )
    frame.write_text(body.replace("</body>", script + "</body>"), encoding="utf-8")
    done = subprocess.run(
        [
            str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--window-size={width},2000",
            "--dump-dom", frame.resolve().as_uri(),
        ],
        capture_output=True, text=True, errors="replace", timeout=120,
    )  # fmt: skip
    found = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    return found[1] if found else "no title"
