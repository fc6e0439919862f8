"""A raw Pub/Sub API client for the sandbox's tests: hand-written protobuf bytes over grpc, nothing of ours.

Field numbers are those of the vendor's public ``pubsub_api.proto``.
"""

from __future__ import annotations

import io
import json
import queue
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastavro
import grpc
import requests

from tests.sandbox.salesforce_session import NS, Api, package
from tests.sandbox_process import start_sandbox

LATEST, EARLIEST, CUSTOM = 0, 1, 2
WAIT_S = 20
CODES = "sfdc.platform.eventbus.grpc."


def varint(number: int) -> bytes:
    """Return a number as protobuf writes it."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def text(number: int, value: str | bytes) -> bytes:
    """Return a field of text or bytes."""
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def whole(number: int, value: int) -> bytes:
    """Return a field that is a whole number."""
    return varint(number << 3) + varint(value)


def read(message: bytes) -> dict[int, list[Any]]:
    """Return the fields of a message by number."""
    found: dict[int, list[Any]] = {}
    at = 0

    def take() -> int:
        nonlocal at
        number = shift = 0
        while True:
            byte = message[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while at < len(message):
        key = take()
        if key & 7 == 0:
            found.setdefault(key >> 3, []).append(take())
        else:
            size = take()
            found.setdefault(key >> 3, []).append(message[at : at + size])
            at += size
    return found


@dataclass(frozen=True)
class Event:
    """An event received, its payload decoded by Avro's own reader."""

    replay: bytes
    id: str
    header: dict[str, Any]
    body: dict[str, Any]
    schema: dict[str, Any]

    @property
    def told(self) -> tuple[str, str, list[str]]:
        """Return object, change type and record ids."""
        return self.header["entityName"], self.header["changeType"], self.header["recordIds"]


@dataclass
class Bus:
    """The Pub/Sub API of a sandbox, asked as one user."""

    api: Api
    address: str
    org: str
    schemas: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the channel."""
        self.channel = grpc.insecure_channel(self.address.removeprefix("http://"))

    @property
    def metadata(self) -> list[tuple[str, str]]:
        """Return what every call carries."""
        token = str(self.api.session.headers["Authorization"]).removeprefix("Bearer ")
        return [("accesstoken", token), ("instanceurl", self.api.url), ("tenantid", self.org)]

    def ask(self, method: str, request: bytes, metadata: list[tuple[str, str]] | None = None) -> Any:
        """Make a call with one answer."""
        call = self.channel.unary_unary(f"/eventbus.v1.PubSub/{method}")
        return read(call(request, metadata=metadata or self.metadata, timeout=WAIT_S))

    def schema(self, schema_id: str) -> Any:
        """Return a schema by id."""
        if schema_id not in self.schemas:
            answer = self.ask("GetSchema", text(1, schema_id))
            self.schemas[schema_id] = json.loads(answer[1][0])
        return self.schemas[schema_id]

    def subscribe(
        self, topic: str, preset: int = EARLIEST, wanted: int = 100, replay: bytes = b"", **more: Any
    ) -> Stream:
        """Begin to listen."""
        first = text(1, topic) + whole(2, preset) + (text(3, replay) if replay else b"") + whole(4, wanted)
        return Stream(self, first, more.get("metadata") or self.metadata)

    def control(self, **body: Any) -> None:
        """Call the control endpoint."""
        answer = requests.post(f"{self.api.url}/_sandbox/change_events", json=body, timeout=30)
        assert answer.ok, answer.text


class Stream:
    """A subscription under way."""

    def __init__(self, bus: Bus, first: bytes, metadata: list[tuple[str, str]]) -> None:
        self.bus, self.waiting = bus, queue.Queue[bytes | None]()
        self.waiting.put(first)
        call = bus.channel.stream_stream("/eventbus.v1.PubSub/Subscribe")
        self.call = call(iter(self.waiting.get, None), metadata=metadata, timeout=WAIT_S)

    def standing(self) -> Stream:
        """Return once the org has begun: what is changed from now on is told."""
        self.call.initial_metadata()
        return self

    def ask(self, request: bytes) -> None:
        """Send a further request."""
        self.waiting.put(request)

    def more(self) -> tuple[list[Event], bytes, int]:
        """Return the next response: events, the latest replay id, how many are still wanted."""
        answer = read(next(self.call))
        return [self._event(read(one)) for one in answer.get(1, [])], answer[2][0], answer.get(4, [0])[0]

    def events(self, number: int) -> list[Event]:
        """Return so many events, however they are batched."""
        found: list[Event] = []
        while len(found) < number:
            found += self.more()[0]
        return found

    def refusal(self) -> tuple[str, str]:
        """Return the gRPC status and the vendor's code (without its prefix) that end the stream."""
        try:
            for _ in self.call:
                pass
        except grpc.RpcError as error:
            return told(error)
        raise AssertionError("the stream ended well")

    def end(self) -> None:
        """Hang up."""
        self.waiting.put(None)
        self.call.cancel()

    def _event(self, found: dict[int, list[Any]]) -> Event:
        event = read(found[1][0])
        schema = self.bus.schema(event[2][0].decode())
        body: Any = fastavro.schemaless_reader(io.BytesIO(event[3][0]), fastavro.parse_schema(schema), None)
        return Event(found[2][0], event[1][0].decode(), body.pop("ChangeEventHeader"), body, schema)


def told(error: Any) -> tuple[str, str]:
    """Return a refusal's gRPC status and the vendor's code without its prefix."""
    codes = [value for key, value in error.trailing_metadata() if key == "error-code"]
    assert codes[0].startswith(CODES)
    assert "rpcId: " in error.details()
    return error.code().name, codes[0].removeprefix(CODES)


def start(folder: Path) -> Iterator[Bus]:
    """Start an org with its Pub/Sub API and sign in; end it at the end."""
    process = start_sandbox("salesforce", folder / "org.db", "--pubsub-port", "0")
    ready = re.fullmatch(r"ready (http://\S+) pubsub (http://\S+)\n", process.ready)
    assert ready
    org = requests.get(f"{ready[1]}/_sandbox/credentials", timeout=30).json()["org_id"]
    bus = Bus(Api(ready[1]), ready[2], org)
    yield bus
    bus.channel.close()
    process.kill()


def channel(*objects: str, name: str = "CS_Test__chn") -> dict[str, str]:
    """Return a deploy of a channel that carries the changes of some standard objects."""
    members = [f"CS_Test_{one}ChangeEvent" for one in objects]
    files = {
        f"platformEventChannels/{name}.platformEventChannel": (
            f"<PlatformEventChannel {NS}><channelType>data</channelType><label>CS Test</label>"
            "</PlatformEventChannel>"
        ),
        "package.xml": package(PlatformEventChannel=[name], PlatformEventChannelMember=members),
    }
    for one, member in zip(objects, members, strict=True):
        files[f"platformEventChannelMembers/{member}.platformEventChannelMember"] = (
            f"<PlatformEventChannelMember {NS}><eventChannel>{name}</eventChannel>"
            f"<selectedEntity>{one}ChangeEvent</selectedEntity></PlatformEventChannelMember>"
        )
    return files
