"""Claims of deliveries in memory."""

from dataclasses import dataclass, field
from datetime import datetime

from triagelens.services.deliveries import Claim
from triagelens.services.ports import Clock


@dataclass
class FakeDeliveries:
    """`services.deliveries.Deliveries`, by the same rules as the table."""

    clock: Clock
    claims: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    delivered: set[str] = field(default_factory=set)

    def begin(self, key: str, holder: str, until: datetime) -> Claim:
        if key in self.delivered:
            return Claim.DONE
        other, lives_until = self.claims.get(key, (holder, until))
        if other != holder and lives_until > self.clock():
            return Claim.ELSEWHERE
        self.claims[key] = (holder, until)
        return Claim.MINE

    def finish(self, key: str) -> None:
        self.delivered.add(key)
