"""The structures of libfmq's public headers, field by field, for ctypes."""

from __future__ import annotations

import ctypes


class CTensor(ctypes.Structure):
    """fmq_tensor_t."""

    _fields_ = (
        ("rows", ctypes.c_uint32),
        ("columns", ctypes.c_uint32),
        ("channels", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("centre", ctypes.c_uint16),
        ("bit_depth", ctypes.c_uint8),
        ("profile", ctypes.c_uint8),
        ("quantizer", ctypes.c_void_p),
        ("dequantizer", ctypes.c_void_p),
        ("header", ctypes.c_char_p),
        ("header_size", ctypes.c_uint32),
        ("partition", ctypes.c_void_p),
        ("dense", ctypes.c_void_p),
    )


class CPartition(ctypes.Structure):
    """fmq_partition_t."""

    _fields_ = (
        ("kind", ctypes.c_uint8),
        ("class_count", ctypes.c_uint16),
        ("classes", ctypes.c_void_p),
        ("cells", ctypes.c_void_p),
        ("runs", ctypes.c_void_p),
        ("dynamic", ctypes.c_void_p),
        ("centroids", ctypes.c_void_p),
    )


class CDeployment(ctypes.Structure):
    """fmq_deployment_t."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("crc32", ctypes.c_uint32),
        ("preamble", ctypes.c_char_p),
        ("preamble_size", ctypes.c_uint32),
        ("tensors", ctypes.POINTER(CTensor)),
        ("tensor_count", ctypes.c_uint32),
    )


class CDenseFormat(ctypes.Structure):
    """fmq_dense_format_t."""

    _fields_ = (
        ("rows", ctypes.c_uint32),
        ("columns", ctypes.c_uint32),
        ("channels", ctypes.c_uint32),
        ("map_rows", ctypes.c_uint32),
        ("centre", ctypes.c_uint16),
        ("highest", ctypes.c_uint16),
        ("is_wide", ctypes.c_bool),
        ("step", ctypes.c_uint8),
        ("is_dependent", ctypes.c_bool),
        ("is_one_sided", ctypes.c_bool),
        ("is_lossless", ctypes.c_bool),
        ("is_sine", ctypes.c_bool),
        ("points", ctypes.c_int8 * 4),
        ("fills", ctypes.c_uint8 * 2),
    )


class CDenseSearch(ctypes.Structure):
    """fmq_dense_search_t."""

    _fields_ = (
        ("is_quick", ctypes.c_bool),
        ("is_optimised", ctypes.c_bool),
        ("rounding", ctypes.c_uint8),
        ("stay", ctypes.c_uint8),
        ("modes", ctypes.c_uint8),
        ("multiplier", ctypes.c_uint16),
        ("biases", ctypes.c_uint16 * 5),
    )
