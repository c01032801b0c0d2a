"""The link to a board: frames, retries and typed commands over any pyserial URL."""

from firmware_tools.link.connection import Connection
from firmware_tools.link.descriptions import (
    Counters,
    Identity,
    Session,
    StackUse,
    StageCounter,
    TensorDescription,
)
from firmware_tools.link.device import Device
from firmware_tools.link.port import available_ports

__all__ = [
    "Connection",
    "Counters",
    "Device",
    "Identity",
    "Session",
    "StackUse",
    "StageCounter",
    "TensorDescription",
    "available_ports",
]
