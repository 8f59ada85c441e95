"""What the two arms of a canary did, hour by hour, in the ephemeral table."""

from datetime import timedelta

from pynamodb.attributes import NumberAttribute

from triagelens.adapters.dynamodb.tables import Item, bind
from triagelens.domain.models import Candidate
from triagelens.domain.rollout import WINDOW_H, Arm, Tally
from triagelens.services.ports import Clock

KEPT = timedelta(days=14)


class TrialItem(Item):
    """One hour of one arm: DynamoDB adds to it."""

    class Meta:
        table_name: str | None = None
        region: str | None = None

    answers = NumberAttribute(default=0)
    failures = NumberAttribute(default=0)
    abstained = NumberAttribute(default=0)
    confidence_sum = NumberAttribute(default=0)
    expires_at = NumberAttribute()


class DynamoTrials:
    """`services.registry_ports.Trials`.

    A trial is named by its candidate and its beginning, so that none inherits another's figures.
    """

    def __init__(self, table_name: str, region: str, clock: Clock) -> None:
        bind(TrialItem, table_name, region)
        self._clock = clock

    def count(self, specialty: str, trial: Candidate, arm: Arm, tally: Tally) -> None:
        now = self._clock()
        item = TrialItem(trial_pk(specialty, trial), f"{arm}#{now:%Y%m%d%H}")
        item.update(
            [
                TrialItem.kind.set("trial"),
                TrialItem.body.set({"version": trial.version}),
                TrialItem.expires_at.set(int((now + KEPT).timestamp())),
                TrialItem.answers.add(tally.answers),
                TrialItem.failures.add(tally.failures),
                TrialItem.abstained.add(tally.abstained),
                TrialItem.confidence_sum.add(tally.confidence_sum),
            ]
        )

    def tally(self, specialty: str, trial: Candidate, arm: Arm) -> Tally:
        now = self._clock()
        first, last = now - timedelta(hours=WINDOW_H), now + timedelta(hours=1)
        found = TrialItem.query(
            trial_pk(specialty, trial),
            TrialItem.sk.between(f"{arm}#{first:%Y%m%d%H}", f"{arm}#{last:%Y%m%d%H}"),
            consistent_read=True,
        )
        total = Tally()
        for item in found:
            total = total.plus(
                Tally(
                    answers=int(item.answers),
                    failures=int(item.failures),
                    abstained=int(item.abstained),
                    confidence_sum=float(item.confidence_sum),
                )
            )
        return total


def trial_pk(specialty: str, trial: Candidate) -> str:
    return f"TRIAL#{specialty}#{trial.version}#{trial.since:%Y%m%dT%H%M%S%f}"
