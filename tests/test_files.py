"""Files appear whole or not at all; a lock keeps processes and threads apart."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading

import pytest
from served import Hourglass

from doaudit.errors import FileProblem
from doaudit.files import Locked, file_lock, private_folder, private_umask, tighten, write_files

# Replaces the files of a report in one process after the other; each is killed before another one of its moves.
KILLED = """
import itertools, os, signal, sys
from pathlib import Path
from doaudit.files import write_files

def files(content):
    return [(name, content) for name in ("a.csv", "b.csv", "index.html", "manifest.json")]

for moves in range(20):
    folder = Path(sys.argv[1], str(moves))
    write_files(folder, files(b"earlier"))
    child = os.fork()
    if not child:
        count = itertools.count()
        sys.addaudithook(
            lambda event, _: event == "os.rename" and next(count) == moves and os.kill(os.getpid(), signal.SIGKILL)
        )
        write_files(folder, files(b"later"))
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
print(moves)
"""


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


def mode(path):
    """Who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_written_into_a_folder_whose_parent_is_closed(closed_parent):
    """In a folder that exists nothing outside it is needed: not one file system with its parent, nor rights there."""
    write_files(closed_parent, [("one.csv", b"1"), ("two.csv", b"2")])
    write_files(closed_parent, [("one.csv", b"3"), ("two.csv", b"4")])

    assert {path.name: path.read_bytes() for path in closed_parent.iterdir()} == {"one.csv": b"3", "two.csv": b"4"}


def test_files_that_cannot_all_be_replaced_are_all_as_before(tmp_path, monkeypatch):
    """If the move of one fails, or Ctrl-C comes between, those already moved make way for the earlier ones again."""
    out = tmp_path / "out"
    write_files(out, [("one.csv", b"1"), ("manifest.json", b"of 1")])
    real = type(out).replace

    def fails(path, target):
        if path.name == "manifest.json" and path.read_bytes() == b"of 2":
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(type(out), "replace", fails)
    with pytest.raises(KeyboardInterrupt):
        write_files(out, [("one.csv", b"2"), ("new.csv", b"2"), ("manifest.json", b"of 2")])

    assert {path.name: path.read_bytes() for path in out.iterdir()} == {"one.csv": b"1", "manifest.json": b"of 1"}


def test_a_folder_of_the_name_of_a_file_is_left_alone(tmp_path):
    """What somebody else keeps under a file's name is no file to be replaced; the error names it."""
    out = tmp_path / "out"
    (out / "two.csv").mkdir(parents=True)
    (out / "one.csv").write_text("mine")

    with pytest.raises(FileProblem, match=r"two\.csv in it is a folder"):
        write_files(out, [("one.csv", b"1"), ("two.csv", b"2")])

    assert {path.name for path in out.iterdir()} == {"one.csv", "two.csv"}
    assert (out / "one.csv").read_text() == "mine"


def test_after_a_kill_a_manifest_vouches_only_for_its_own_files(tmp_path):
    """After kill -9 before any of its moves the files are of one write, and whole or without the manifest."""
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], capture_output=True, text=True, check=True)

    moves = int(done.stdout)
    assert moves >= 4
    for number in range(moves + 1):
        folder = tmp_path / str(number)
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        assert len(set(files.values())) <= 1, number
        assert len(files) == 4 or "manifest.json" not in files, number
    assert set(files.values()) == {b"later"}


@pytest.mark.parametrize(("umask", "modes"), [(0o022, [0o755, 0o644]), (0o077, [0o700, 0o600])])
def test_a_report_has_the_modes_of_the_umask(tmp_path, umask, modes):
    """Files that are not private, and their folder, may be read by whom the user's umask allows."""
    before = os.umask(umask)
    try:
        write_files(tmp_path / "out", [("index.html", b"")])
    finally:
        os.umask(before)

    assert [mode(tmp_path / "out"), mode(tmp_path / "out" / "index.html")] == modes


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    """A file where a folder should be is named, and stays as it was."""
    (tmp_path / "file").write_text("here")

    with pytest.raises(FileProblem, match="cannot be written"):
        write_files(tmp_path / "file" / "reports", [("one.csv", b"1")])

    assert (tmp_path / "file").read_text() == "here"


def test_private_files_are_for_the_user_alone(tmp_path):
    """With *private* nobody else may read a file, or the folders that are made for it, whatever the umask."""
    before = os.umask(0)
    try:
        write_files(tmp_path / "in" / "out", [("index.json", b"{}")], private=True)
        write_files(tmp_path, [("index.json", b"{}")], private=True)
    finally:
        os.umask(before)

    assert [mode(tmp_path / name) for name in ("in", "in/out", "in/out/index.json", "index.json")] == [
        0o700,
        0o700,
        0o600,
        0o600,
    ]


def test_an_open_file_is_tightened(tmp_path):
    """A file loses the rights of others and keeps its owner's; a link's target keeps all of them."""
    for name, rights in (("open", 0o666), ("readable", 0o444), ("target", 0o644)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(rights)
    (tmp_path / "link").symlink_to(tmp_path / "target")

    for name in ("open", "readable", "link", "missing"):
        tighten(tmp_path / name)

    assert [mode(tmp_path / name) for name in ("open", "readable", "target")] == [0o600, 0o400, 0o644]


def test_threads_do_not_mix_up_the_umask(tmp_path):
    """Blocks of many threads leave the umask as it was, and what is made in them is private."""

    def make(number):
        for n in range(50):
            with private_umask():
                (tmp_path / f"{number}-{n}").touch()

    before = os.umask(0o022)
    threads = [threading.Thread(target=make, args=(number,)) for number in range(4)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        after = os.umask(before)

    assert after == 0o022
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}


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
