"""The other end of the link, for real use."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context

from firmware_tools.tasks.console import fmq_task
from fmq_embedded.errors import InputError

if TYPE_CHECKING:
    from firmware_tools.gateway.inboxes import Message
    from firmware_tools.gateway.results import Result


@fmq_task(
    help={
        "deployment": "the folder that the devices' tables were made from",
        "port": "a port's name or pyserial URL; may be given several times",
        "baud": "bits per second of the ports",
        "poll": "ask boards with this project's firmware for a map, and again so many seconds "
        "later; without it devices send on their own",
        "mqtt": "mqtt://[user:password@]host[:port]/topic/filter, such as "
        "mqtt://localhost/fmq/+/stream; mqtts:// for TLS",
        "ca-file": "of mqtts://: PEM certificates that the broker's is checked against; by default "
        "the system's",
        "cert-file": "of mqtts://: PEM of this side's own certificate and its private key",
        "publish": "publish the results to the broker, .../stream → .../result, and print none",
        "out": "append the results to this file and print none",
        "values": "so many of each output, the largest of those that have more; 0 for all",
        "count": "end after so many results; 0: never",
        "seconds": "end after so many seconds; 0: never",
        "every": "seconds between the lines of counters on stderr",
    },
    iterable=["port"],
)
def gateway(
    context: Context,
    deployment: str,
    port: list[str] | None = None,
    baud: int = 115_200,
    poll: float = 0.0,
    mqtt: str = "",
    ca_file: str = "",
    cert_file: str = "",
    publish: bool = False,
    out: str = "",
    values: int = 16,
    count: int = 0,
    seconds: float = 0.0,
    every: float = 10.0,
) -> None:
    """Take bitstreams from devices, decode them, run the tail; a JSON line for each."""
    from firmware_tools.gateway.gateway import Gateway
    from firmware_tools.gateway.mqtt import Broker, BrokerListener
    from firmware_tools.gateway.ports import PortListener
    from firmware_tools.gateway.results import result_line
    from firmware_tools.gateway.serving import serve

    _check(port, mqtt, publish, out, every)
    running = Gateway(Path(deployment))
    with contextlib.ExitStack() as stack:
        broker = None
        if mqtt:
            where = Broker.of(mqtt, ca_file=ca_file, cert_file=cert_file)
            broker = BrokerListener(running, where, _notice)
            stack.callback(broker.close)
        lines = stack.enter_context(Path(out).open("a", encoding="utf-8")) if out else sys.stdout
        for url in port or ():
            PortListener(running, url, baud, poll, _notice).start()

        def take(message: Message, result: Result) -> None:
            line = result_line(result, values)
            if broker and publish:
                broker.publish(message.answer_to, line)
            else:
                lines.write(line + "\n")
                lines.flush()

        serve(running, take, count=count, seconds=seconds, every=every, notice=_notice)
        if not publish:
            lines.write(json.dumps({"counters": running.ledger.to_json()}) + "\n")


def _check(port: list[str] | None, mqtt: str, publish: bool, out: str, every: float) -> None:
    if not port and not mqtt:
        raise InputError("name a device with --port, or a broker with --mqtt")
    if publish and (port or out or not mqtt):
        raise InputError(
            "--publish is for devices of --mqtt alone, to the same broker; leave out --port and "
            "--out, or --publish"
        )
    if every <= 0:
        raise InputError(f"--every is seconds above 0; got {every:g}")


def _notice(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


TASKS = (gateway,)
