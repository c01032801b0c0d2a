"""Devices behind an MQTT broker: each message is a bitstream, each result may be one."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote, urlsplit

from firmware_tools.gateway.gateway import Gateway
from firmware_tools.gateway.inboxes import Message
from fmq_embedded.errors import InputError, MissingToolError, NoPortError

if TYPE_CHECKING:
    from paho.mqtt.client import Client

RESULT_LEVEL: Final = "result"
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_MOST_UNSENT: Final = 1000
_MOST_OVERHEAD: Final = 4096
_CONNECT_SECONDS: Final = 10.0
_QOS: Final = 1

Notice = Callable[[str], None]


@dataclass(frozen=True)
class Broker:
    """Where an MQTT URL leads.

    Args:
        host, port: of the broker.
        topics: a topic filter; the levels that + and # stand for name the device.
        user, password: "" for none.
        is_secure: whether the connection is TLS.
        ca_file: PEM certificates that the broker's is checked against; "" for the system's.
        cert_file: PEM of this side's certificate and its private key; "" for none.
    """

    host: str
    port: int
    topics: str
    user: str = ""
    password: str = ""
    is_secure: bool = False
    ca_file: str = ""
    cert_file: str = ""

    @classmethod
    def of(cls, url: str, *, ca_file: str = "", cert_file: str = "") -> Self:
        """What mqtt://[user:password@]host[:port]/topic/filter says; mqtts:// for TLS.

        Raises:
            InputError: it is no such URL, or has files for TLS and is not mqtts://.
        """
        try:
            parts = urlsplit(url.replace("#", "%23"))
            port = parts.port or _PORTS[parts.scheme]
            topics = unquote(parts.path.removeprefix("/"))
            if not parts.hostname or not topics:
                raise ValueError
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{url!r} is no MQTT URL; expected mqtt://host:1883/topic/filter, such as "
                "mqtt://localhost/fmq/+/stream"
            ) from error
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        is_secure = parts.scheme == "mqtts"
        if (ca_file or cert_file) and not is_secure:
            raise InputError(f"certificates are for TLS; got {url!r}, expected mqtts://…")
        return cls(parts.hostname, port, topics, user, password, is_secure, ca_file, cert_file)

    def device_of(self, topic: str) -> str:
        """The device's name: what the filter's wildcards stand for; without any, the topic."""
        levels, found = topic.split("/"), []
        for index, level in enumerate(self.topics.split("/")):
            if level == "#":
                found += levels[index:]
            elif level == "+":
                found += levels[index : index + 1]
        return "/".join(found) or topic


class BrokerListener:
    """Feeds a gateway from a broker; connects again by itself when the broker was away.

    A message of QoS 1 or 2 that finds its device's box full waits there, and nothing more is read
    from the broker meanwhile: the broker keeps what is too much. Messages of QoS 0 are dropped.

    Args:
        gateway: gets the bitstreams.
        broker: where they are.
        notice: called with what happens to the connection, in words.

    Raises:
        MissingToolError: paho-mqtt is not installed.
        InputError: the files for TLS cannot be used.
        NoPortError: the broker cannot be reached, or does not agree on TLS.
    """

    def __init__(
        self, gateway: Gateway, broker: Broker, notice: Notice = lambda text: None
    ) -> None:
        self._gateway, self._broker, self._notice = gateway, broker, notice
        self._client = self._connected()

    def publish(self, topic: str, line: str) -> None:
        """Send a result; when the broker is away for long, results are dropped and counted."""
        sent = self._client.publish(topic, line.encode(), qos=_QOS)
        if sent.rc == _paho().MQTT_ERR_QUEUE_SIZE:
            self._gateway.ledger.add(topic, "the broker takes no results", dropped=1)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self) -> Client:
        broker, mqtt = self._broker, _paho()
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        client: Client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.max_queued_messages_set(_MOST_UNSENT)
        client.reconnect_delay_set(1, 30)
        client.connect_timeout = _CONNECT_SECONDS
        if broker.user:
            client.username_pw_set(broker.user, broker.password or None)
        if broker.is_secure:
            _secure(client, broker)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        limits.MaximumPacketSize = self._gateway.longest_stream + _MOST_OVERHEAD
        try:
            client.connect(broker.host, broker.port, properties=limits)
        except ssl.SSLError as error:
            raise NoPortError(
                f"the MQTT broker at {broker.host}:{broker.port} does not agree on TLS: {error}; "
                "name the certificates that it is checked against with --ca-file, and this side's "
                "own, if it wants one, with --cert-file"
            ) from error
        except (OSError, ValueError) as error:
            raise NoPortError(
                f"no MQTT broker answers at {broker.host}:{broker.port}: {error}; check the "
                "address, and that the broker runs"
            ) from error
        client.loop_start()
        return client

    def _on_connect(self, client: Client, *arguments: Any) -> None:
        from paho.mqtt.subscribeoptions import SubscribeOptions

        reason = arguments[2]
        if reason.is_failure:
            self._notice(f"the MQTT broker refuses the connection: {reason}")
            return
        # Not what we publish ourselves.
        client.subscribe(self._broker.topics, options=SubscribeOptions(qos=_QOS, noLocal=True))

    def _on_subscribe(self, *arguments: Any) -> None:
        if any(reason.is_failure for reason in arguments[3]):
            self._notice(f"the MQTT broker does not give {self._broker.topics}: {arguments[3]}")
        else:
            self._notice(f"listening to {self._broker.topics} at {self._broker.host}")

    def _on_disconnect(self, _client: Client, *arguments: Any) -> None:
        if not self._gateway.stopping.is_set():
            self._notice(f"the MQTT broker is gone: {arguments[2]}; it is tried again")

    def _on_message(self, _client: Client, _data: Any, message: Any) -> None:
        device = self._broker.device_of(message.topic)
        answer_to = "/".join([*message.topic.split("/")[:-1], RESULT_LEVEL])
        stream = Message(device, bytes(message.payload), answer_to)
        if not self._gateway.inboxes.put(stream, wait=message.qos > 0):
            self._gateway.ledger.add(device, "it sends faster than it is worked on", dropped=1)


def _secure(client: Client, broker: Broker) -> None:
    try:
        client.tls_set(broker.ca_file or None, broker.cert_file or None)
    except (OSError, ValueError) as error:
        given = " and ".join(filter(None, (broker.ca_file, broker.cert_file)))
        raise InputError(
            f"{given} cannot be used for TLS: {error}; expected PEM: certificates for --ca-file, a "
            "certificate and its private key for --cert-file"
        ) from error


def _paho() -> Any:
    """The module of paho-mqtt."""
    try:
        from paho.mqtt import client
    except ImportError as error:
        raise MissingToolError(
            "MQTT needs the package paho-mqtt; install it with: "
            "python -m pip install 'fmq-embedded[gateway]'"
        ) from error
    return client
