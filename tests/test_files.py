"""Files appear whole or not at all; a lock keeps processes and threads apart."""

from __future__ import annotations

import os
import stat

import pytest
from served import Hourglass

from doaudit.errors import FileProblem
from doaudit.files import Locked, file_lock, private_folder, write_files


def test_files_appear_together_or_not_at_all(tmp_path):
    """If one file cannot be made, the folder does not come to be, and nothing is left beside it."""

    def files():
        yield "one.csv", b"1"
        raise FileProblem("no second file")

    with pytest.raises(FileProblem, match="no second file"):
        write_files(tmp_path / "out", files())

    assert list(tmp_path.iterdir()) == []


def test_an_earlier_report_is_replaced_and_other_files_stay(tmp_path):
    """Files of the same name are replaced; what somebody else put there is left alone."""
    out = tmp_path / "out"
    write_files(out, [("one.csv", b"1"), ("two.csv", b"2")])
    (out / "notes.txt").write_text("mine")

    write_files(out, [("one.csv", b"9")])

    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        "one.csv": b"9",
        "two.csv": b"2",
        "notes.txt": b"mine",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    """A file where a folder should be is named, and stays as it was."""
    (tmp_path / "file").write_text("here")

    with pytest.raises(FileProblem, match="cannot be written"):
        write_files(tmp_path / "file" / "reports", [("one.csv", b"1")])

    assert (tmp_path / "file").read_text() == "here"


def test_private_files_are_for_the_user_alone(tmp_path):
    """With *private* nobody else may read a file, whatever the umask."""
    write_files(tmp_path / "out", [("index.json", b"{}")], private=True)

    assert stat.S_IMODE((tmp_path / "out" / "index.json").stat().st_mode) == 0o600


def test_a_private_folder_is_for_the_user_alone(tmp_path):
    """The folder, and each parent that had to be made, has the mode 0700."""
    private_folder(tmp_path / "a" / "b")

    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (tmp_path / "a", tmp_path / "a" / "b")] == [0o700] * 2


def test_one_thread_keeps_another_out(tmp_path):
    """A second holder waits as long as it was told, and is then told who holds the lock."""
    clock = Hourglass()
    with (
        file_lock(tmp_path / "lock", wait_s=1, clock=Hourglass()),
        pytest.raises(Locked, match=f"process {os.getpid()} "),
        file_lock(tmp_path / "lock", wait_s=1, clock=clock),
    ):
        pytest.fail("two held it")

    assert 1 <= clock.waited < 1.1


def test_a_lock_is_free_after_its_block(tmp_path):
    """The lock is released, also if the block raises; its file stays, empty, for the user alone."""
    path = tmp_path / "lock"
    with pytest.raises(ValueError, match="broken"), file_lock(path, wait_s=0, clock=Hourglass()):
        raise ValueError("broken")
    with file_lock(path, wait_s=0, clock=Hourglass()):
        pass

    assert path.read_bytes() == b""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_lock_follows_no_symbolic_link(tmp_path):
    """A link in place of the lock file is refused in words, and the file behind it keeps its content."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "lock").symlink_to(victim)

    with pytest.raises(OSError, match="symbolic link"), file_lock(tmp_path / "lock", wait_s=0, clock=Hourglass()):
        pytest.fail("it was locked")

    assert victim.read_text() == "precious"
