"""Verifying a report: every file that differs is named, and nothing outside the folder is looked at."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess

import pytest

import doaudit as da
from doaudit.errors import FileProblem, InvalidArgument, NotOurFile


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A report of a small simulated account, and one of two such accounts with a report of each."""
    folder = tmp_path_factory.mktemp("reports")
    with da.accounts({"acme": da.demo(actions=300), "globex": da.demo(seed=2, actions=300)}) as agency:
        da.report(agency.actions(), folder / "all", account=agency, each=True)
    return folder


@pytest.fixture
def one(written, tmp_path):
    """A report that a test may change."""
    return shutil.copytree(written / "all" / "accounts" / "acme", tmp_path / "one")


@pytest.fixture
def several(written, tmp_path):
    """A report of several accounts that a test may change."""
    return shutil.copytree(written / "all", tmp_path / "several")


def sha256(path):
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_report_is_as_it_was_written(one, several):
    """Every file but the manifest and its hash is compared, also those of each account, and the hash is said."""
    verification = da.verify(one, sha256=sha256(one / "manifest.json"))

    assert verification.intact
    assert verification.files == len(list(one.iterdir())) - 2
    assert sha256(one / "manifest.json") in str(verification)
    of_all = [path for path in several.rglob("*") if path.is_file() and not path.name.startswith("manifest.")]
    assert (da.verify(several).intact, da.verify(several).files) == (True, len(of_all))


def test_sha256sum_reads_the_hash_of_the_manifest(one):
    """A tool that others wrote says the same of the manifest, before it is changed and after."""
    tool = shutil.which("sha256sum") or pytest.skip("There is no sha256sum here.")
    check = [tool, "--check", "manifest.sha256"]

    assert subprocess.run(check, cwd=one, capture_output=True, check=False).returncode == 0
    (one / "manifest.json").write_bytes((one / "manifest.json").read_bytes() + b" ")
    assert subprocess.run(check, cwd=one, capture_output=True, check=False).returncode == 1


def test_each_difference_is_named(one):
    """A byte more, a file less, one that is not listed, and a manifest of another hash are told apart."""
    with (one / "index.html").open("ab") as file:
        file.write(b" ")
    (one / "failures.csv").unlink()
    (one / "notes.txt").write_text("mine")
    (one / "manifest.sha256").write_text(f"{0:064x}  manifest.json\n")

    verification = da.verify(one)

    assert verification.differences == (
        "failures.csv is missing.",
        "index.html is changed.",
        "manifest.json has another SHA-256 than manifest.sha256 says.",
        "notes.txt is not in the manifest.",
    )
    assert all(difference in str(verification) for difference in verification.differences)


def test_a_hash_that_was_noted_finds_a_report_that_was_made_anew(one):
    """Who writes a whole report anew, manifest and all, is found by the hash that was kept elsewhere."""
    noted = sha256(one / "manifest.json")
    manifest = json.loads((one / "manifest.json").read_bytes())
    (one / "failures.csv").write_text("id\n")
    manifest["files"]["failures.csv"]["sha256"] = sha256(one / "failures.csv")
    (one / "manifest.json").write_text(json.dumps(manifest))
    (one / "manifest.sha256").write_text(f"{sha256(one / 'manifest.json')}  manifest.json\n")

    assert da.verify(one).intact
    assert da.verify(one, sha256=noted.upper()).differences == (
        f"manifest.json is not the one with the SHA-256 {noted}.",
    )


def test_the_report_of_an_account_belongs_to_that_of_all(several):
    """What differs in the report of one account is found from the report of all, and so is another manifest."""
    (several / "accounts" / "globex" / "findings.csv").write_text("")
    shutil.copyfile(several / "accounts" / "acme" / "manifest.json", several / "accounts" / "globex" / "manifest.json")

    differences = da.verify(several).differences

    assert "accounts/globex/findings.csv is changed." in differences
    assert any(each.startswith("accounts/globex/manifest.json is not the one with the SHA-256") for each in differences)
    assert not any(each.startswith("accounts/acme") for each in differences)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"files": []}',
        b'{"files": {"a.csv": {}}}',
        b'{"files": {"../outside": {"sha256": "0"}}}',
        b'{"files": {}, "reports": {"acme": {"page": "../index.html"}}}',
        b'{"files": {}, "reports": {"acme": {}}}',
        b"[" * 100_000,
    ],
)
def test_a_manifest_that_is_none_is_refused(one, content):
    """It may be from anywhere: one that is cut off, of another form, or leads out of the folder is no manifest."""
    (one / "manifest.json").write_bytes(content)

    with pytest.raises(NotOurFile, match=r"manifest\.json"):
        da.verify(one)


def test_where_there_is_no_report_that_is_said(tmp_path):
    """An empty folder has nothing to verify, and what is no SHA-256 is refused before anything is read."""
    with pytest.raises(FileProblem, match=r"manifest\.json cannot be read .* Give the folder of a report"):
        da.verify(tmp_path)
    with pytest.raises(InvalidArgument, match="64 digits"):
        da.verify(tmp_path, sha256="abc")
