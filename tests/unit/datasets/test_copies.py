"""Data sets in a folder: good, packed, missing and damaged copies."""

import gzip

import numpy as np
import pytest

from bench import vision
from bench.data import DataError
from bench.registry import DATASETS
from tests.unit.datasets.toys import (
    TEST,
    TRAIN,
    ToyCifar,
    ToyMnist,
    cifar_files,
    mnist_files,
    pack,
    pixels,
    tree,
    write,
)

NAMES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "cifar10": "CIFAR10", "cifar100": "CIFAR100"}


def test_mnist_is_read_as_stored(tmp_path):
    write(tmp_path, ToyMnist, mnist_files())
    data = ToyMnist().load(tmp_path)
    assert np.array_equal(data.train_x, pixels(TRAIN, 28, 28)[:, None])
    assert np.array_equal(data.test_x, pixels(TEST, 28, 28, seed=1)[:, None])
    assert data.train_y.tolist() == [i % 10 for i in range(TRAIN)]
    assert data.test_y.tolist() == list(range(TEST))
    assert (data.train_x.dtype, data.train_y.dtype) == (np.uint8, np.int64)
    assert (data.md5, data.classes, len(data.shift), len(data.scale)) == (ToyMnist.md5, 10, 1, 1)


@pytest.mark.parametrize("packed", [4, 2, 1])
def test_packed_files_serve_and_the_root_is_left_as_it_was(tmp_path, packed):
    files = mnist_files()
    for name in list(files)[:packed]:
        files[f"{name}.gz"] = pack(files.pop(name))
    write(tmp_path, ToyMnist, files)
    before = tree(tmp_path)
    assert np.array_equal(ToyMnist().load(tmp_path).train_x[:, 0], pixels(TRAIN, 28, 28))
    assert tree(tmp_path) == before


def test_an_old_processed_copy_is_not_preferred(tmp_path):
    write(tmp_path, ToyMnist, mnist_files())
    (tmp_path / "MNIST/processed").mkdir()
    for name in ("training.pt", "test.pt"):
        (tmp_path / "MNIST/processed" / name).write_bytes(b"something else")
    assert len(ToyMnist().load(tmp_path).train_x) == TRAIN


@pytest.mark.usefixtures("told")
def test_cifar_is_read_channel_first(tmp_path):
    write(tmp_path, ToyCifar, cifar_files())
    data = ToyCifar().load(tmp_path)
    assert np.array_equal(data.train_x, pixels(TRAIN, 3072).reshape(TRAIN, 3, 32, 32))
    assert data.train_x.flags.c_contiguous
    assert data.train_y.tolist() == list(range(TRAIN))
    assert data.test_x.shape == (TEST, 3, 32, 32)
    assert (data.md5, data.classes) == (ToyCifar.md5, 100)


def test_what_torchvision_refuses_is_an_error_of_the_data(tmp_path):
    write(tmp_path, ToyCifar, cifar_files())  # right for us, but not what torchvision knows
    with pytest.raises(DataError, match="cifar100: torchvision refuses the copy"):
        ToyCifar().load(tmp_path)


@pytest.mark.parametrize("present", [0, 1, 3])
def test_missing_files_are_named(tmp_path, present):
    files = dict(list(mnist_files().items())[:present])
    write(tmp_path, ToyMnist, files)
    with pytest.raises(DataError) as caught:
        ToyMnist().load(tmp_path)
    text = str(caught.value)
    assert text.startswith(f"mnist: no complete copy in {tmp_path} (the data root).")
    assert f"Missing {4 - present} of 4 files" in text
    assert [name for name in mnist_files() if f"\n  MNIST/raw/{name}\n" in text] == list(mnist_files())[present:]
    assert "leave --data-root and BENCH_DATA away to have them downloaded" in text
    assert len(text.splitlines()) <= 15


@pytest.mark.parametrize("name", NAMES)
def test_the_message_fits_for_every_source(tmp_path, name):
    with pytest.raises(DataError) as caught:
        DATASETS.get(name)().load(tmp_path)
    assert len(str(caught.value).splitlines()) <= 15


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b * 2]
)
@pytest.mark.parametrize("name", list(mnist_files()))
def test_a_damaged_file_is_named(tmp_path, name, damage):
    folder = write(tmp_path, ToyMnist, mnist_files())
    (folder / name).write_bytes(damage(mnist_files()[name]))
    with pytest.raises(DataError) as caught:
        ToyMnist().load(tmp_path)
    text = str(caught.value)
    assert text.startswith(
        f"mnist: {folder / name} is damaged or another version: expected md5 {ToyMnist.files[name]}, got "
    )
    assert text.endswith("replace it by a good copy")


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"no gzip", lambda b: b[:20] + b"\xff" * 9 + b[29:]]
)
def test_a_damaged_packed_file_is_named(tmp_path, damage):
    files = mnist_files()
    files["t10k-images-idx3-ubyte.gz"] = damage(pack(files.pop("t10k-images-idx3-ubyte")))
    folder = write(tmp_path, ToyMnist, files)
    with pytest.raises(DataError, match=f"mnist: {folder}/t10k-images-idx3-ubyte.gz is damaged and cannot be unpacked"):
        ToyMnist().load(tmp_path)


def test_a_packed_file_of_other_content_is_named(tmp_path):
    files = mnist_files()
    files["t10k-labels-idx1-ubyte.gz"] = gzip.compress(files.pop("t10k-labels-idx1-ubyte") + b"!")
    folder = write(tmp_path, ToyMnist, files)
    with pytest.raises(DataError, match=f"mnist: {folder}/t10k-labels-idx1-ubyte.gz is damaged or another version"):
        ToyMnist().load(tmp_path)


def test_an_unreadable_file_is_an_error_of_the_data(tmp_path, monkeypatch):
    write(tmp_path, ToyMnist, mnist_files())

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ToyMnist, "read", refuse)
    with pytest.raises(DataError, match=f"mnist: the copy in {tmp_path} cannot be read: .*Permission denied"):
        ToyMnist().load(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_declared_facts_agree_with_torchvision(name):
    source, theirs = DATASETS.get(name), getattr(vision.datasets(), NAMES[name])
    archives = source().archives()
    assert all(archive.md5 and archive.urls for archive in archives)
    assert all(url.startswith("http") and url.endswith(archive.name) for archive in archives for url in archive.urls)
    if "CIFAR" in NAMES[name]:
        published = dict(theirs.train_list + theirs.test_list) | {theirs.meta["filename"]: theirs.meta["md5"]}
        assert source.files == published
        assert source.folder == theirs.base_folder
    else:
        assert [archive.name for archive in archives] == [f"{file}.gz" for file in source.files]
    assert len(source.shift) == len(source.scale) == source.shape[0]


def test_no_two_sources_have_the_same_identity():
    identities = [DATASETS.get(name).md5 for name in (*NAMES, "digits")]
    assert len(set(identities)) == 5
    assert all(len(md5) == 32 for md5 in identities)
