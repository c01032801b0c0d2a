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
        ("quantizer", ctypes.c_void_p),
        ("dequantizer", ctypes.c_void_p),
        ("header", ctypes.c_char_p),
        ("header_size", ctypes.c_uint32),
        ("partition", ctypes.c_void_p),
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
