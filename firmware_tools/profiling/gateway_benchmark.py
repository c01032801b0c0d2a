"""The gateway beside the tail alone, and beside decoder and tail in a plain loop."""

from __future__ import annotations

import itertools
import socket
import statistics
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from firmware_tools.gateway import Gateway, Result, result_line
from firmware_tools.gateway.ports import PortListener
from firmware_tools.gateway.stream_frames import stream_frames
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.timing import seconds
from fmq_embedded import blazeface
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import HEAD, TAIL, load, save
from fmq_embedded.deploy.split_model import split_model
from fmq_embedded.model_store import fetch
from fmq_embedded.photos import crops
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.runtimes import open_model

CUT: Final = ("activation_11", "activation_16")
MAPS: Final = 8
TURNS: Final = 8
"""Each of the maps is sent so often in a round."""
ROUNDS: Final = 9
LOOP_LIMIT: Final = 1.2


def figures(quick: bool) -> list[Figure]:
    """The suite "gateway"."""
    with tempfile.TemporaryDirectory() as out:
        folder = Path(out)
        deployment = _deployment(folder)
        head, tail = open_model(folder / HEAD), open_model(folder / TAIL)
        maps = [head.run(blazeface.prepare(crop)[0]) for crop in crops(MAPS)]
        streams = [deployment.encode(one) for one in maps] * (1 if quick else TURNS)

        def loop() -> None:
            for stream in streams:
                result_line(Result("loop", 0, 0, tail.run(deployment.decode(stream))))

        def tail_alone() -> None:
            for index in range(len(streams)):
                tail.run(maps[index % MAPS])

        with _line(folder, streams) as take_all:
            calls = (take_all, loop, tail_alone)
            for call in calls:
                call()
            rounds = [[seconds(call) for call in calls] for _ in range(1 if quick else ROUNDS)]
    per_map = [
        1000 * statistics.median(times) / len(streams) for times in zip(*rounds, strict=True)
    ]
    name = "gateway, BlazeFace over a socket"
    ratio = statistics.median(times[0] / times[1] for times in rounds)
    return [
        Figure(name, per_map[0], "ms/map", "a plain loop", per_map[1], ratio, LOOP_LIMIT),
        Figure(
            f"{name}, rate",
            1000 / per_map[0],
            "maps/s",
            "the tail alone",
            1000 / per_map[2],
            per_map[2] / per_map[0],
        ),
    ]


def _deployment(folder: Path) -> Deployment:
    model = fetch("blazeface_short_range")
    split_model(model.read_bytes(), CUT, folder, model_file=model.name)
    quantizers = {name: Quantizer.uniform(0.0, 6.5, 6) for name in CUT}
    nothing = dict.fromkeys(CUT, "")
    made = load(folder).with_quantizers(quantizers, dict.fromkeys(CUT), nothing)
    save(made, folder)
    return made


@contextmanager
def _line(folder: Path, streams: list[bytes]) -> Iterator[Callable[[], None]]:
    """A device at a socket; what is yielded has it send all and takes all results."""
    sent = b"".join(stream_frames(stream, number) for number, stream in enumerate(streams))
    gateway = Gateway(folder)
    results = gateway.results()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        PortListener(gateway, f"socket://127.0.0.1:{listener.getsockname()[1]}", 115200).start()
        device, _ = listener.accept()
    with device:
        device.recv(1)  # the gateway listens

        def take_all() -> None:
            threading.Thread(target=device.sendall, args=(sent,)).start()
            for _, result in itertools.islice(results, len(streams)):
                result_line(result)

        yield take_all
        gateway.stopping.set()
        list(results)
