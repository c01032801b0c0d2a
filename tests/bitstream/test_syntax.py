"""Headers: what is written is what is read, and nothing else is accepted."""

from __future__ import annotations

import pytest

from fmq_embedded.bitstream.fields import Reader, Writer
from fmq_embedded.bitstream.headers import (
    Preamble,
    TensorHeader,
    read_preamble,
    read_tensor_header,
    write_preamble,
    write_tensor_header,
)
from fmq_embedded.errors import BitstreamError, InputError
from fmq_embedded.quantizers import Quantizer

QUANTIZERS = [
    Quantizer.uniform(-1.5, 2.25, 8),
    Quantizer.uniform(0.1, 0.3, 1, step_size=2.0, rounding_offset=0.25),
    Quantizer.gaussian(0.5, 2.0, 6),
    Quantizer.gaussian(0.5, 0.0, 16, span=3.25, rounding="centre", rounding_offset=0.3),
    Quantizer.laplace(0.75, 2),
    Quantizer.explicit([-1.0, 0.5, 0.5], [-2.0, 0.0, 0.5, 1.5], "laplace"),
]


def read_back(header: TensorHeader, named: bool) -> TensorHeader:
    writer = Writer()
    write_tensor_header(writer, header, named=named)
    reader = Reader(bytes(writer.data))
    back = read_tensor_header(reader, named=named, derivation=None, max_elements=1 << 20)
    assert reader.position == len(writer.data)
    return back


@pytest.mark.parametrize("quantizer", QUANTIZERS)
@pytest.mark.parametrize("named", [False, True])
def test_tensor_headers_come_back_equal(quantizer: Quantizer, named: bool) -> None:
    name = "größe/0" if named else ""
    for method in ("fixed", "histogram"):
        header = TensorHeader((3, 1, 130), "float32", name=name, method=method, quantizer=quantizer)
        assert read_back(header, named) == header
    header = TensorHeader((), "int16", 0.5, -300, name, "fixed", 0, quantizer, True, 1)
    assert read_back(header, named) == header
    assert read_back(TensorHeader((4, 0, 5), "uint8", 2.0, 7, name), named).count == 0


def test_the_plain_header_is_small() -> None:
    writer = Writer()
    write_preamble(writer, Preamble(1))
    header = TensorHeader((16, 16, 88), "float32", quantizer=Quantizer.uniform(0, 1))
    write_tensor_header(writer, header, named=False)
    assert len(writer.data) == 5 + 1 + 3 + 2 + 8


@pytest.mark.parametrize(
    "preamble",
    [
        Preamble(1),
        Preamble(65535, True),
        Preamble(300, False, b"abc"),
        Preamble(2, True, None, 7),
        Preamble(2, headers_crc=9),
    ],
)
def test_preambles_come_back_equal(preamble: Preamble) -> None:
    writer = Writer()
    write_preamble(writer, preamble)
    assert read_preamble(Reader(bytes(writer.data))) == preamble


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "truncated"),
        (b"FX\x01\x00\x01", "no feature-map bitstream"),
        (b"FQ\x02\x00\x01", "version 2"),
        (b"FQ\x01\x10\x01", "flags"),
        (b"FQ\x01\x09\x01\0\0\0\0", "do not go with"),
        (b"FQ\x01\x08\x01\0\0\0", "truncated"),
        (b"FQ\x01\x06\x01", "flags"),
        (b"FQ\x01\x00\x00", "0 tensors"),
        (b"FQ\x01\x00\xff\xff\xff\xff\x0f", "tensors"),
        (b"FQ\x01\x00\xff\xff\xff\xff\x1f", "not a varint"),
        (b"FQ\x01\x00\x81\x00", "not a varint"),
        (b"FQ\x01\x02\x01\xff\xff\xff\x0f", "declares"),
        (b"FQ\x01\x02\x01\x05ab", "truncated"),
    ],
)
def test_wrong_preambles_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(BitstreamError, match=message):
        read_preamble(Reader(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("09" + "01" * 9, "type"),  # nine axes
        ("41010000803f00", "type"),  # an unknown sample type
        ("02ffffffff0fffffffff0f", "allows"),
        ("11010000000000", "cannot be of int8"),  # scale 0
        ("11010000803fff7f", "cannot be of int8"),  # zero point too far
        ("01010607", "not of this version"),  # method 6
        ("01011807", "choice"),  # distribution 3
        ("0101008700000000" + "0000803f", "truncated"),
        ("0101020007", "no structure"),
        ("01010a0007", "choice"),  # a derived distribution is not sent
        ("010100070000803f", "truncated"),
        ("010100070000803f0000c07f", "not finite"),
        ("010100070000803f00000000", "cannot be"),  # maximum below minimum
        ("01010017000000000000003f000000000000803f", "cannot be"),  # step 0
        ("01010800000000000000803f", "cannot be"),  # Gaussian of one bit
        ("01012007000000000000803f", "cannot be"),  # uniform, centre rounding
        ("01010043000000000000803f10", "centre"),
        ("01010027", "cannot be"),  # no batch normalisation to take parameters from
    ],
)
def test_wrong_tensor_headers_are_refused(data: str, message: str) -> None:
    reader = Reader(bytes.fromhex(data))
    with pytest.raises(BitstreamError, match=message):
        read_tensor_header(reader, named=False, derivation=None, max_elements=1 << 20)


def test_what_cannot_be_written_is_an_input_error() -> None:
    with pytest.raises(InputError, match="8 axes"):
        write_tensor_header(Writer(), TensorHeader((1,) * 9, "float32"), named=False)
    with pytest.raises(InputError, match="at most 255 bytes"):
        write_tensor_header(Writer(), TensorHeader((1,), "float32", name="x" * 256), named=True)
    with pytest.raises(InputError, match="65535"):
        write_preamble(Writer(), Preamble(0))


def test_signed_varints() -> None:
    for value in (0, 1, -1, 63, -64, 64, 32767, -32768):
        writer = Writer()
        record = type("Record", (), {"x": value})()
        writer.svarint(record, "x")
        reader = Reader(bytes(writer.data))
        reader.svarint(record, "x")
        assert record.x == value
