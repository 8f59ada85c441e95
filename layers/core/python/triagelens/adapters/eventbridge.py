"""The event bus."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from triagelens.domain.messages import Event
from triagelens.services.ports import MOST_EVENTS

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "triagelens"


class EventBridgeBus:
    """`services.ports.EventBus`."""

    def __init__(self, client: "EventBridgeClient", bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def publish(self, events: Sequence[Event]) -> Sequence[str]:
        if len(events) > MOST_EVENTS:
            raise ValueError(f"the bus takes {MOST_EVENTS} events a call, not {len(events)}")
        answer = self._client.put_events(Entries=[self._entry(event) for event in events])
        return [
            event.event_id
            for event, entry in zip(events, answer["Entries"], strict=True)
            if entry.get("ErrorCode") is not None
        ]

    def _entry(self, event: Event) -> "PutEventsRequestEntryTypeDef":
        return {
            "EventBusName": self._bus_name,
            "Source": SOURCE,
            "DetailType": event.type,
            "Time": event.time,
            "Detail": event.model_dump_json(exclude={"type", "time"}),
        }


def event_in(envelope: str) -> Event:
    """The event that a rule of the bus has put into a queue, in EventBridge's envelope.

    Raises:
        ValueError: it is none of ours.
    """
    told = json.loads(envelope)
    known = {"type": told.get("detail-type"), "time": told.get("time")}
    return Event.model_validate({**told.get("detail", {}), **known})
