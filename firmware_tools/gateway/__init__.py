"""The gateway: bitstreams from many devices through decoder and tail, results as JSON lines."""

from firmware_tools.gateway.counters import Counters, Ledger
from firmware_tools.gateway.gateway import Gateway
from firmware_tools.gateway.inboxes import Inboxes, Message
from firmware_tools.gateway.results import Result, result_line

__all__ = ["Counters", "Gateway", "Inboxes", "Ledger", "Message", "Result", "result_line"]
