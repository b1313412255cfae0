"""The user cache: filled on first use, left clean by every failure. Downloads come from a folder, by file://."""

import numpy as np
import pytest

from bench.data import DataError
from datasets import copies
from datasets.download import DownloadError, fetch
from tests.unit.datasets.toys import TRAIN, ToyCifar, ToyMnist, mnist_files, pack, pixels, tree, write

NOWHERE = "http://127.0.0.1:1"  # nothing listens there: refused at once, like a machine without a network


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of a user cache that is not there yet."""
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "home" / "fml-bench"


@pytest.fixture
def shop(tmp_path):
    """A folder of packed files, as an address."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, content in mnist_files().items():
        (folder / f"{name}.gz").write_bytes(pack(content))
    (folder / "cifar-100-python.tar.gz").write_bytes(ToyCifar().packed())
    return folder.as_uri()


def test_first_use_downloads_and_the_second_does_not(cache, shop, monkeypatch, capfd):
    monkeypatch.setattr(ToyMnist, "places", (shop,))
    data = ToyMnist().load()
    assert np.array_equal(data.train_x[:, 0], pixels(TRAIN, 28, 28))
    assert tree(cache) == {"MNIST", "MNIST/raw", *(f"MNIST/raw/{name}" for name in mnist_files())}
    shown = capfd.readouterr()
    assert shown.out == ""
    assert all(f"{name}.gz" in shown.err for name in mnist_files())  # one progress bar each

    monkeypatch.setattr(ToyMnist, "places", (NOWHERE,))
    assert len(ToyMnist().load().train_x) == TRAIN
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("told")
def test_one_archive_of_all_files(cache, shop, monkeypatch):
    monkeypatch.setattr(ToyCifar, "places", (shop,))
    data = ToyCifar().load()
    assert np.array_equal(data.train_x.reshape(TRAIN, -1), pixels(TRAIN, 3072))
    assert tree(cache) == {"cifar-100-python", *(f"cifar-100-python/{name}" for name in ToyCifar.files)}


def test_the_next_place_is_tried(cache, shop, monkeypatch):
    monkeypatch.setattr(ToyMnist, "places", (NOWHERE, shop))
    assert len(ToyMnist().load().train_x) == TRAIN
    assert (cache / "MNIST").is_dir()


def test_without_a_network_one_message_and_nothing_left(cache, tmp_path, monkeypatch):
    monkeypatch.setattr(ToyMnist, "places", (NOWHERE,))
    with pytest.raises(DataError) as caught:
        ToyMnist().load()
    text = str(caught.value)
    assert text.startswith(f"mnist: cannot be downloaded to {cache} ({NOWHERE}/train-images-idx3-ubyte.gz: ")
    assert "refused" in text
    assert "Without a network, name a folder that holds it with --data-root or BENCH_DATA." in text
    assert "MNIST/raw/train-images-idx3-ubyte" in text
    assert len(text.splitlines()) <= 15
    assert not cache.exists()


def test_what_another_download_left_survives_a_failure(cache, monkeypatch):
    monkeypatch.setattr(ToyMnist, "places", (NOWHERE,))
    write(cache, ToyMnist, {"train-labels-idx1-ubyte": b"kept"})
    before = tree(cache)
    with pytest.raises(DataError, match="cannot be downloaded"):
        ToyMnist().load()
    assert tree(cache) == before


def test_a_server_that_gives_something_else(cache, shop, tmp_path, monkeypatch):
    (tmp_path / "shop/t10k-images-idx3-ubyte.gz").write_bytes(pack(b"<html>log in first</html>"))
    monkeypatch.setattr(ToyMnist, "places", (shop,))
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte.gz: gave a file with md5 .*, expected "):
        ToyMnist().load()
    assert not cache.exists()


def test_an_interrupted_download_leaves_nothing(cache, monkeypatch):
    def interrupt(urls, target, expected_md5):
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(copies, "fetch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ToyMnist().load()
    assert tree(cache) == set()


def test_no_download_when_it_is_not_wanted(cache, shop, monkeypatch):
    monkeypatch.setattr(ToyMnist, "places", (shop,))
    with pytest.raises(DataError) as caught:
        ToyMnist().load(download=False)
    assert f"no complete copy in {cache} (the download cache)" in str(caught.value)
    assert "name a folder that holds them with --data-root or BENCH_DATA" in str(caught.value)
    assert not cache.exists()


@pytest.mark.parametrize("named", ["argument", "variable"])
def test_a_named_root_is_never_filled(cache, shop, tmp_path, monkeypatch, named):
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setattr(ToyMnist, "places", (shop,))
    if named == "variable":
        monkeypatch.setenv("BENCH_DATA", str(root))
    with pytest.raises(DataError, match="no complete copy in"):
        ToyMnist().load(root if named == "argument" else None)
    assert tree(root) == set()
    assert not cache.exists()


def test_a_damaged_file_in_the_cache_is_to_be_deleted(cache):
    folder = write(cache, ToyMnist, mnist_files() | {"t10k-labels-idx1-ubyte": b"torn"})
    with pytest.raises(
        DataError, match=f"{folder}/t10k-labels-idx1-ubyte is damaged .* delete it to have it downloaded"
    ):
        ToyMnist().load()


def test_a_cache_that_cannot_be_made(cache, shop, monkeypatch):
    cache.parent.write_text("a file where a folder should be")
    monkeypatch.setattr(ToyMnist, "places", (shop,))
    with pytest.raises(DataError, match="mnist: cannot be downloaded to"):
        ToyMnist().load()


def test_fetch_explains_each_failure(tmp_path, shop, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    urls = [f"{NOWHERE}/a", "strange", f"{shop}/absent", f"{shop}/t10k-labels-idx1-ubyte.gz"]
    with pytest.raises(DownloadError) as caught:
        fetch(urls, tmp_path / "file", "0" * 32)
    reasons = str(caught.value).split("; ")
    assert [reason.split(": ")[0] for reason in reasons] == urls
    assert "unknown url type" in reasons[1]
