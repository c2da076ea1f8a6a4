"""Verify a report: are its files those that its manifest lists, and is the manifest the one that was written?"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doaudit.errors import FileProblem, InvalidArgument, NotOurFile
from doaudit.formatting import count, visible
from doaudit.report.manifest import MANIFEST, SEAL

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

__all__ = ["Verification", "verify"]

_SHA256_LENGTH = 64
_HEX = set("0123456789abcdef")


@dataclass(frozen=True, repr=False)
class Verification:
    """
    Comparison of a report's files with what its manifest lists.

    Attributes:
        folder: of the report.
        sha256: the SHA-256 of manifest.json as it is now.
        files: how many files were compared, those of reports of single accounts among them.
        differences: a sentence for each file that is changed, missing or not listed; none if the report is intact.
    """

    folder: Path
    sha256: str
    files: int
    differences: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """True if every file is the one that was written."""
        return not self.differences

    def __repr__(self) -> str:
        """Say whether the report is intact, or what differs."""
        if self.intact:
            return (
                f"Intact: {count(self.files, 'file')} of {self.folder} as the manifest lists them. The SHA-256 of "
                f"{MANIFEST} is {self.sha256}; compare it with the one that was noted when the report was written."
            )
        listed = "\n".join(f"  {difference}" for difference in self.differences)
        return f"{self.folder} is not as it was written:\n{listed}"


def verify(folder: str | os.PathLike[str], *, sha256: str | None = None) -> Verification:
    """
    Compare the files of a report with its manifest, and say what differs.

    The manifest has the SHA-256 of each file, and manifest.sha256 that of the manifest. Who can change a file can
    change both too: give the hash that was noted elsewhere when the report was written.

    Args:
        folder: of the report. Of a report of several accounts, those of each are verified with it.
        sha256: the SHA-256 that manifest.json must have.

    Returns:
        What was compared, and each difference.

    Raises:
        InvalidArgument: *sha256* is no SHA-256.
        FileProblem: there is no report in the folder, or it cannot be read.
        NotOurFile: its manifest.json is not one of doaudit.

    Example:
        >>> import tempfile
        >>> import doaudit as da
        >>> with da.demo(actions=500) as account, tempfile.TemporaryDirectory() as folder:
        ...     report = da.report(account.actions(), folder, account=account)
        ...     _ = report.path.write_text("<p>Nothing failed.</p>")
        ...     verify(folder).differences
        ('index.html is changed.',)
    """
    if sha256 is not None and (len(sha256) != _SHA256_LENGTH or not set(sha256.lower()) <= _HEX):
        raise InvalidArgument(f"sha256 is {sha256!r}; a SHA-256 is {_SHA256_LENGTH} digits and letters from a to f.")
    target = Path(folder).expanduser()
    number, differences = 0, []
    for at, expected in _reports(target, sha256):
        if expected and _sha256(at / MANIFEST) != expected.lower():
            differences.append(f"{_name(at / MANIFEST, target)} is not the one with the SHA-256 {expected.lower()}.")
        listed = _files_of(_read_manifest(at))
        number += len(listed)
        differences += _differences(at, listed, target)
    return Verification(target, _sha256(target / MANIFEST), number, tuple(differences))


def _reports(target: Path, sha256: str | None) -> Iterator[tuple[Path, str | None]]:
    """Return the folders of a report and of those of its accounts, with the hash that each manifest must have."""
    yield target, sha256
    reports = _read_manifest(target).get("reports", {})
    for name, entry in (reports if isinstance(reports, dict) else {}).items():
        page = entry.get("page") if isinstance(entry, dict) else None
        # A manifest is a file from outside: no path in it leads out of the folder.
        if not isinstance(page, str) or not (target / page).resolve().is_relative_to(target.resolve()):
            raise NotOurFile(f"{target / MANIFEST} says of the report of {visible(str(name))} no page in this folder.")
        yield (target / page).parent, str(entry.get("manifest_sha256"))


def _differences(folder: Path, listed: Mapping[str, str], target: Path) -> Iterator[str]:
    """Say what differs between the files of one report and what its manifest lists."""
    for name, expected in listed.items():
        path = folder / name
        if not path.is_file():
            yield f"{_name(path, target)} is missing."
        elif _sha256(path) != expected:
            yield f"{_name(path, target)} is changed."
    seal = folder / SEAL
    if not seal.is_file():
        yield f"{_name(seal, target)} is missing."
    elif seal.read_bytes().split()[:1] != [_sha256(folder / MANIFEST).encode()]:
        yield f"{_name(folder / MANIFEST, target)} has another SHA-256 than {SEAL} says."
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in {*listed, MANIFEST, SEAL}:
            yield f"{_name(path, target)} is not in the manifest."


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_bytes())
    except OSError as fault:
        raise FileProblem(
            f"{path} cannot be read ({fault.strerror or fault}). Give the folder of a report that doaudit has written."
        ) from None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise NotOurFile(f"{path} is not the manifest of a report of doaudit, or was cut off.")
    return content


def _files_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of each file that a manifest lists."""
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(
        isinstance(entry, dict) and isinstance(entry.get("sha256"), str) and name == Path(name).name
        for name, entry in files.items()
    ):
        raise NotOurFile("This manifest.json has no list of files with their SHA-256, as those of doaudit have.")
    return {name: entry["sha256"] for name, entry in files.items()}


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        raise FileProblem(f"{path} cannot be read ({fault.strerror or fault}). Check who may read it.") from None


def _name(path: Path, target: Path) -> str:
    return visible(path.relative_to(target).as_posix())
