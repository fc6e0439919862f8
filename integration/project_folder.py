"""Writing the files of a vendor's project into a folder, for that vendor's own tool to upload.

Neighbours: ``hubspot/project`` and ``salesforce/project`` render the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write(files: Mapping[str, str], folder: Path, *, replace: bool = False) -> None:
    """Write the files below ``folder``; one that is there and differs is replaced only if asked for.

    Raises ValueError naming those that differ; then nothing is written.
    """
    targets = {folder / name: text for name, text in files.items()}
    changed = [
        str(path) for path, text in targets.items() if path.exists() and path.read_text("utf-8") != text
    ]
    if changed and not replace:
        raise ValueError(
            f"{', '.join(changed)}: there already, and different; give another --out, or --replace"
        )
    for path, text in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
