"""Finding, verifying and downloading the files of MNIST, and the errors."""

import gzip
import hashlib
import http.server
import os
import threading
from functools import partial

import numpy as np
import pytest

from numerate.paper.digits import MNIST_FILES, digits, download_mnist, mnist_folder, read_mnist
from numerate.tables import InputError
from tests.each import each

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
LABELS = np.array([7, 2], np.uint8)


def idx(array: np.ndarray) -> bytes:
    lengths = np.array(array.shape, ">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes()


CONTENT = dict(zip(MNIST_FILES, map(idx, (IMAGES, LABELS, IMAGES + 1, LABELS + 1)), strict=True))
SHA256 = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
FIRST = next(iter(CONTENT))


@pytest.fixture
def folder(tmp_path):
    """Two of the files gzipped and two not."""
    files = tmp_path / "files"
    files.mkdir()
    for i, (name, content) in enumerate(CONTENT.items()):
        if i % 2:
            (files / name).write_bytes(content)
        else:
            (files / f"{name}.gz").write_bytes(gzip.compress(content))
    return files


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """Neither a given folder nor a cache."""
    monkeypatch.delenv("NUMERATE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_files_are_read_gzipped_or_not(folder):
    for found, expected in zip(
        read_mnist(folder, SHA256), (IMAGES, LABELS, IMAGES + 1, LABELS + 1), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def other(path):
    path.write_bytes(gzip.compress(idx(IMAGES + 2)))


def plain_text(path):
    path.write_bytes(b"<html>not found</html>")


@each(
    "spoil, complaint",
    [
        (cut, "truncated or not gzipped"),
        (plain_text, "truncated or not gzipped"),
        (other, "is not the file of MNIST: the SHA-256"),
        (os.unlink, f"lacks {FIRST}, which may also end in .gz"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(folder, spoil, complaint):
    spoil(folder / f"{FIRST}.gz")
    with pytest.raises(InputError, match=complaint):
        read_mnist(folder, SHA256)


def test_a_file_cut_short_that_is_not_gzipped_is_another_file(folder):
    cut(folder / "train-labels-idx1-ubyte")
    with pytest.raises(InputError, match=r"its 1 uncompressed bytes"):
        read_mnist(folder, SHA256)


def test_verified_content_that_is_no_array_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"abcdefg")
    with pytest.raises(InputError, match="is not an idx file"):
        read_mnist(tmp_path, {"a": hashlib.sha256(b"abcdefg").hexdigest()})


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="there is no folder .*nothing"):
        read_mnist(tmp_path / "nothing")


def test_without_mnist_digits_are_those_of_scikit_learn():
    found = digits()
    assert (mnist_folder(), found.name) == (None, "8×8 digits")
    assert len(found.train_images) == 1297 and len(found.test_labels) == 500
    assert found.train_images[0].max() == 239  # 15 of 16 shades
    with pytest.raises(InputError, match="numerate data mnist downloads it"):
        digits("mnist")
    with pytest.raises(ValueError, match="source must be"):
        digits("svhn")


def test_a_named_folder_that_is_not_mnist_is_never_passed_over(folder, monkeypatch):
    monkeypatch.setenv("NUMERATE_DATA", str(folder))
    with pytest.raises(InputError, match="is not the file of MNIST"):
        digits()


# There are no real files in the repository.
REAL = os.environ.get("NUMERATE_DATA")
if REAL:

    def test_the_real_files(monkeypatch):
        monkeypatch.setenv("NUMERATE_DATA", REAL)
        found = digits("mnist")
        assert found.name == "MNIST"
        assert np.bincount(found.test_labels).tolist() == [
            980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
        ]  # fmt: skip


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A mirror, as its address and its folder."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for name, content in CONTENT.items():
        (mirror / f"{name}.gz").write_bytes(gzip.compress(content))

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=mirror)
    ) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}/", mirror
        serving.shutdown()


def test_download_fills_the_cache_which_is_then_found(server):
    said = []
    folder = download_mnist(mirrors=(server[0],), sha256=SHA256, note=said.append)
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{n}.gz" for n in CONTENT)
    assert mnist_folder() == folder and len(said) == 4
    np.testing.assert_array_equal(read_mnist(folder, SHA256)[1], LABELS)


def test_intact_files_are_kept_and_others_downloaded_again(server, folder):
    cut(folder / f"{FIRST}.gz")
    said = []
    download_mnist(folder, mirrors=(server[0],), sha256=SHA256, note=said.append)
    assert [text.split(" ")[0] for text in said if "exists already" not in text] == [f"{FIRST}.gz"]
    assert len(read_mnist(folder, SHA256)) == 4


def test_a_mirror_that_fails_or_lies_is_followed_by_the_next(server, tmp_path):
    (server[1] / "wrong").mkdir()
    (server[1] / "wrong" / f"{FIRST}.gz").write_bytes(gzip.compress(b"something else"))
    mirrors = (server[0] + "wrong/", server[0])
    folder = download_mnist(tmp_path / "new", mirrors=mirrors, sha256=SHA256)
    assert len(read_mnist(folder, SHA256)) == 4


def test_a_download_that_fails_leaves_no_half_file(server, tmp_path):
    cut(server[1] / f"{FIRST}.gz")
    with pytest.raises(InputError, match=f"{FIRST}.gz cannot be downloaded.*other content"):
        download_mnist(tmp_path / "new", mirrors=(server[0],), sha256=SHA256)
    (server[1] / f"{FIRST}.gz").unlink()
    with pytest.raises(InputError, match=f"{FIRST}.gz cannot be downloaded.*404"):
        download_mnist(tmp_path / "new", mirrors=(server[0],), sha256=SHA256)
    assert list((tmp_path / "new").iterdir()) == []
