"""A firmware with a key takes only tables that the key vouches for, and never goes back."""

from __future__ import annotations

import ctypes
import hashlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_tools.authentication import Key, read_key, table_tag, write_key_header
from firmware_tools.link import Device
from firmware_tools.link.protocol import Command
from firmware_tools.toolchains import host_library
from fmq_embedded.errors import InputError, LinkError, MismatchError
from tests.link import host_firmware
from tests.tables.test_update import NEW, OLD, SLOT, Flash, host_image, put

KEY, OTHER = Key(bytes(range(100, 132))), Key(bytes(range(101, 133)))
BOARD = "host"
TAG_BYTES = 32

# FIPS 180-4, the examples that NIST gives with it.
DIGESTS = {
    b"": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    b"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": (
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    b"a" * 1_000_000: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
}
# RFC 4231, those of its cases whose keys are no longer than a block: key, data, tag.
TAGS = [
    (
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 20,
        b"\xdd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
]


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    sources = [host_firmware.APP / "sha256.c", host_firmware.APP / "hmac.c"]
    loaded = ctypes.CDLL(str(host_library(sources, [host_firmware.APP], sanitize="undefined")))
    loaded.hmac_equal.restype = ctypes.c_bool
    return loaded


def digest_of(library: ctypes.CDLL, data: bytes, piece: int) -> str:
    state, out = ctypes.create_string_buffer(128), ctypes.create_string_buffer(32)
    library.sha256_start(state)
    for at in range(0, len(data), piece):
        part = data[at : at + piece]
        library.sha256_add(state, part, ctypes.c_size_t(len(part)))
    library.sha256_finish(state, out)
    return out.raw.hex()


def tag_of(library: ctypes.CDLL, key: bytes, data: bytes) -> bytes:
    state, out = ctypes.create_string_buffer(128), ctypes.create_string_buffer(32)
    size = ctypes.c_size_t(len(key))
    library.hmac_start(state, key, size)
    library.hmac_add(state, data, ctypes.c_size_t(len(data)))
    library.hmac_finish(state, key, size, out)
    return out.raw


@pytest.mark.parametrize("data", DIGESTS, ids=len)
def test_sha256_of_the_standard(library: ctypes.CDLL, data: bytes) -> None:
    assert digest_of(library, data, 1000) == DIGESTS[data]


def test_sha256_of_every_length_in_pieces(library: ctypes.CDLL) -> None:
    data = bytes(index * 7 & 0xFF for index in range(200))
    for size in range(len(data)):
        expected = hashlib.sha256(data[:size]).hexdigest()
        assert digest_of(library, data[:size], 1 + size % 70) == expected


@pytest.mark.parametrize(("key", "data", "tag"), TAGS)
def test_hmac_of_the_standard(library: ctypes.CDLL, key: bytes, data: bytes, tag: str) -> None:
    assert tag_of(library, key, data).hex() == tag
    assert Key(key).tag(data[:3], data[3:]).hex() == tag


def test_a_tag_with_any_bit_changed_is_another(library: ctypes.CDLL) -> None:
    tag = tag_of(library, KEY.secret, b"data")
    assert library.hmac_equal(tag, bytes(tag))
    for bit in range(8 * TAG_BYTES):
        changed = bytearray(tag)
        changed[bit // 8] ^= 1 << bit % 8
        assert not library.hmac_equal(tag, bytes(changed))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keyed")
    write_key_header(KEY, folder)
    options = [*host_firmware.SANITIZE, "-DFMQ_AUTHENTICATED", f"-I{folder}"]
    return host_firmware.build(folder / "firmware", options)


@pytest.fixture
def flash(program: Path, tmp_path: Path) -> Flash:
    return Flash(program, tmp_path)


def signed(
    folder: Path, generation: int, crc: int = NEW, key: Key = KEY, board: str = BOARD
) -> Callable[[Device], None]:
    """An update with a tag."""

    def update(device: Device) -> None:
        tables = device.tables()
        image = host_image(folder, tables, crc)
        proof = struct.pack("<I", generation) + table_tag(key, board, generation, image)
        device.update_tables(tables.next_slot, image, zlib.crc32(image), proof=proof)

    return update


def test_tables_with_a_tag_are_used_and_stay(
    flash: Flash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(device: Device) -> None:
        tables = device.tables()
        assert (tables.slot, tables.generation, tables.tag_bytes) == (0, 7, TAG_BYTES)
        assert device.identity.session.deployment_crc32 == NEW

    assert flash.run(signed(tmp_path / "new", 7), monkeypatch) == 0
    assert flash.run(look, monkeypatch) == 0


def test_tables_that_the_key_does_not_vouch_for_are_refused(
    flash: Flash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "new"

    def refuse(device: Device) -> None:
        tables = device.tables()
        image = host_image(new, tables)
        tag = table_tag(KEY, BOARD, 1, image)
        changed = image[:-1] + bytes([image[-1] ^ 1])
        offers = {
            "no tag": (image, b""),
            "half a tag": (image, struct.pack("<I", 1) + tag[:16]),
            "a tag of zeros": (image, struct.pack("<I", 1) + bytes(TAG_BYTES)),
            "another image's": (changed, struct.pack("<I", 1) + tag),
            "another version's": (image, struct.pack("<I", 2) + tag),
        }
        for offered, proof in offers.values():
            with pytest.raises(MismatchError, match="NOT_AUTHENTIC: its firmware has a key"):
                device.update_tables(0, offered, zlib.crc32(offered), proof=proof)
        for update in (signed(new, 1, key=OTHER), signed(new, 1, board="other")):
            with pytest.raises(MismatchError, match="NOT_AUTHENTIC"):
                update(device)
        with pytest.raises(LinkError, match="BAD_SIZE"):
            proof = struct.pack("<I", 1) + tag + b"x"
            device.update_tables(0, image, zlib.crc32(image), proof=proof)
        assert device.tables().slot is None

    assert flash.run(refuse, monkeypatch) == 0


def test_older_tables_do_not_come_back(
    flash: Flash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "new"

    def go_back(device: Device) -> None:
        for generation in (5, 4, 0):
            with pytest.raises(MismatchError, match="NOT_NEWER: it uses tables of this version"):
                signed(new, generation, NEW + 1)(device)
        with pytest.raises(MismatchError, match="TABLES_REVERT with NOT_AUTHENTIC"):
            device.revert_tables()
        assert device.tables().generation == 5
        signed(new, 6, NEW + 2)(device)
        assert device.identity.session.deployment_crc32 == NEW + 2

    assert flash.run(signed(new, 5), monkeypatch) == 0
    assert flash.run(go_back, monkeypatch) == 0


def test_tables_in_memory_without_a_tag_are_not_used(
    flash: Flash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever puts them there past the firmware: it looks again when it starts."""
    seen: list[int] = []

    def look(device: Device) -> None:
        seen.append(device.identity.session.deployment_crc32)

    plain = Flash(host_firmware.build(tmp_path / "plain"), tmp_path)
    assert plain.run(put(tmp_path / "new"), monkeypatch) == 0
    plain.run(look, monkeypatch)
    flash.run(look, monkeypatch)
    flash.file.write_bytes(bytes(2 * SLOT))
    assert flash.run(signed(tmp_path / "new", 1), monkeypatch) == 0
    flash.run(look, monkeypatch)
    content = bytearray(flash.file.read_bytes())
    content[SLOT - TAG_BYTES - 4] ^= 1  # a bit of the tag, and the record's CRC-32 made right
    content[SLOT - 4 : SLOT] = zlib.crc32(content[SLOT - TAG_BYTES - 16 : SLOT - 4]).to_bytes(
        4, "little"
    )
    flash.file.write_bytes(content)
    flash.run(look, monkeypatch)
    assert seen == [NEW, OLD, NEW, OLD]


def test_a_firmware_without_a_key_takes_no_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(device: Device) -> None:
        assert device.tables().tag_bytes == 0
        with pytest.raises(LinkError, match="TABLES_COMMIT with BAD_SIZE"):
            signed(tmp_path / "new", 1)(device)
        device.connection.request(Command.TABLES_REVERT)

    plain = Flash(host_firmware.build(tmp_path / "plain"), tmp_path)
    assert plain.run(refuse, monkeypatch) == 0


def key_file(folder: Path, data: bytes = KEY.secret, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_a_key_is_32_bytes_that_only_its_owner_reads(tmp_path: Path) -> None:
    assert read_key(key_file(tmp_path)) == KEY
    for mode in (0o644, 0o640, 0o602):
        with pytest.raises(InputError, match="others than its owner may use the key file"):
            read_key(key_file(tmp_path, mode=mode))
    for size in (0, 31, 33):
        with pytest.raises(InputError, match=f"has {size} bytes; expected 32 random ones"):
            read_key(key_file(tmp_path, bytes(size)))
    with pytest.raises(InputError, match="cannot be read"):
        read_key(tmp_path / "none")


def test_a_key_is_not_shown(tmp_path: Path) -> None:
    assert repr(KEY) == "Key()"
    header = write_key_header(KEY, tmp_path)
    assert header.stat().st_mode & 0o777 == 0o600
    assert header.read_text().count("0x") == 32
