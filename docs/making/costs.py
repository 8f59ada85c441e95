"""What images cost, and what a deployment costs that does nothing.

`python -m docs.making.costs` writes the tables of docs/cost.md. Everything is spelled out: an amount, a list
price, and whether the amount was measured or guessed. Free tiers are left out.
"""

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.config import CLOUD_SIZES
from infra.template import Template, synthesize

PAGE = Path(__file__).resolve().parents[1] / "cost.md"
IMAGES = 1000
MONTH_S = 30 * 24 * 3600

# US dollars for one, us-east-1, arm64, as known in November 2026. Look them up before you rely on one.
PRICES: Mapping[str, float] = {
    "GB-seconds": 0.0000133334,
    "invocations": 0.20 / 1e6,
    "API requests": 3.50 / 1e6,
    "firewall requests": 0.60 / 1e6,
    "S3 writes": 0.005 / 1e3,
    "S3 reads": 0.0004 / 1e3,
    "GB-months of S3": 0.023,
    "queue requests": 0.40 / 1e6,
    "read units": 0.125 / 1e6,
    "write units": 0.625 / 1e6,
    "events": 1.00 / 1e6,
    "traces": 5.00 / 1e6,
    "GB of logs": 0.50,
    "GB sent out": 0.09,
    "keys": 1.00,
    "firewall": 5.00,
    "rules": 1.00,
    "alarms": 0.10,
    "GB-seconds of snapshot": 0.0000015046,
}


@dataclass(frozen=True)
class Line:
    """One row: what, how much of it, in which unit of `PRICES`, and how that is known."""

    what: str
    amount: float
    unit: str
    known: str

    @property
    def usd(self) -> float:
        return self.amount * PRICES[self.unit]


@dataclass(frozen=True)
class Run:
    """A function's part in one image's way: how often it runs, and seconds of each run that are paid for."""

    package: str
    times: float
    seconds: float
    known: str

    @property
    def line(self) -> Line:
        """Its GB-seconds for all images."""
        memory_mb = CLOUD_SIZES[self.package].memory_mb
        amount = IMAGES * self.times * self.seconds * memory_mb / 1024
        told = f"{self.times:g} x {self.seconds:g} s, {memory_mb} MB; {self.known}"
        return Line(f"`{self.package}`", amount, "GB-seconds", told)


RUNS = (
    Run("clinic_api", 1, 0.1, "the announcement; guess"),
    Run("clinic_api", 1, 2.0, "waiting for the result, which is paid for as well; guess"),
    Run(
        "check_quality", 1, 0.2, "with the next 0.16 s measured on one busy core, the rest for AWS is a guess"
    ),
    Run("run_inference", 1, 0.2, "ResNet50; as the one before"),
    Run("publish_events", 3, 0.05, "a change each; guess"),
    Run("count_records", 3, 0.1, "a change each; guess"),
    Run("chain_audit", 2, 0.05, "an entry each; guess"),
    Run("rank_cases", 1, 0.05, "guess"),
    Run("notify", 1, 0.2, "guess"),
    Run("deliver_webhooks", 2, 0.05, "nobody to be told; guess"),
)

# What is asked of AWS for one image; tests/integration/api/test_api_cost_of_an_image.py counts.
RECORD_WRITES, RECORD_TRANSACTION = 2, 2  # announced and checked one by one; the finding with its record
COUNTER_ITEMS = 15  # in three transactions
AUDIT_ENTRIES = 2
READS = 8
S3_READS, S3_WRITES, MESSAGES = 2, 1, 1
# A record has about 2 KB and two index entries, of which a change of status moves one; a counter has neither.
UNITS_OF_A_RECORD, UNITS_OF_A_RESULT, UNITS_OF_AN_ENTRY = 8, 2, 3
WRITE_UNITS = (
    RECORD_WRITES * UNITS_OF_A_RECORD
    + 2 * (UNITS_OF_A_RECORD + UNITS_OF_A_RESULT)  # a transaction costs twice
    + 2 * COUNTER_ITEMS
    + AUDIT_ENTRIES * (UNITS_OF_AN_ENTRY + 2)  # and the link of each
)
# Quality, inference, review, notifications, and two for webhooks; each is sent, received and deleted.
MESSAGES_OF_AN_IMAGE, REQUESTS_OF_A_MESSAGE = 6, 3
READS_WHILE_WAITING = 8


def images() -> list[Line]:
    """A thousand images that are announced, sent, checked, analysed and waited for, and kept for a month."""
    invocations = sum(run.times for run in RUNS)
    return [
        *(run.line for run in RUNS),
        Line("invocations of functions", IMAGES * invocations, "invocations", "as above"),
        Line("API Gateway", IMAGES * 2, "API requests", "announcement and result"),
        Line("firewall", IMAGES * 2, "firewall requests", "the same"),
        Line("DynamoDB, writing", IMAGES * WRITE_UNITS, "write units", "items counted, their sizes guessed"),
        Line(
            "DynamoDB, reading",
            IMAGES * (READS + READS_WHILE_WAITING),
            "read units",
            f"{READS} counted, {READS_WHILE_WAITING} while waiting; guess",
        ),
        Line("S3, writing", IMAGES * (S3_WRITES + 1), "S3 writes", "the original and the working image"),
        Line("S3, reading", IMAGES * S3_READS, "S3 reads", "counted"),
        Line("originals", IMAGES * 0.003 * 0.5, "GB-months of S3", "3 MB for 15 days"),
        Line("working images", IMAGES * 0.00025, "GB-months of S3", "0.25 MB for a month; guess"),
        Line(
            "queues",
            IMAGES * MESSAGES_OF_AN_IMAGE * REQUESTS_OF_A_MESSAGE,
            "queue requests",
            f"{MESSAGES_OF_AN_IMAGE} messages: sent, received, deleted",
        ),
        Line("event bus", IMAGES * 2, "events", "checked, analysed"),
        Line("traces", IMAGES * 2, "traces", "one for each request at most"),
        Line("logs", IMAGES * 15e-6, "GB of logs", "15 KB; guess"),
    ]


def idle(keys: int, rules: int, alarms: int, queues: int) -> list[Line]:
    """A month in which nobody asks for anything, by how many of each the stack has."""
    snapshot_gb = CLOUD_SIZES["clinic_api"].memory_mb / 1024
    return [
        Line("KMS keys", keys, "keys", "counted"),
        Line("web application firewall", 1, "firewall", "counted"),
        Line("its rules", rules, "rules", "counted"),
        Line("alarms", alarms, "alarms", "counted"),
        Line("the API's snapshot", snapshot_gb * MONTH_S, "GB-seconds of snapshot", "SnapStart, one version"),
        Line("asking queues", queues * 5 * MONTH_S / 20, "queue requests", "five times in 20 s each; guess"),
        Line("functions by the clock", _by_the_clock(), "GB-seconds", "0.2 s each; guess"),
    ]


def idle_of(template: Template) -> list[Line]:
    """The same for what a template holds. Streams are free to ask, queues are not."""
    [firewall] = template.of_type("AWS::WAFv2::WebACL").values()
    mappings = template.of_type("AWS::Lambda::EventSourceMapping").values()
    return idle(
        keys=len(template.of_type("AWS::KMS::Key")),
        rules=len(firewall["Rules"]),
        alarms=len(template.of_type("AWS::CloudWatch::Alarm")),
        queues=sum("queue" in json.dumps(mapping["EventSourceArn"]) for mapping in mappings),
    )


def _by_the_clock() -> float:
    """GB-seconds a month of what runs every minute, every five minutes and every hour."""
    seconds = {"watch_canary": 60, "mark_dead_letters": 300, "seal_audit": 3600, "erase_patient": 3600}
    return sum(0.2 * MONTH_S / every * CLOUD_SIZES[name].memory_mb / 1024 for name, every in seconds.items())


def table(lines: list[Line]) -> str:
    """Markdown: each line, and the sum."""
    rows = [
        f"| {one.what} | {_plain(one.amount)} {one.unit} | {one.known} | {one.usd:.4f} |" for one in lines
    ]
    total = sum(one.usd for one in lines)
    head = "| what | how much | how that is known | US$ |\n| --- | --- | --- | ---: |"
    return "\n".join([head, *rows, f"| **together** | | | **{total:.2f}** |"])


def _plain(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 10 else f"{amount:.3g}"


def written(page: str, name: str, lines: list[Line]) -> str:
    """The page with that table between its marks."""
    marks = rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)"
    return re.sub(marks, lambda found: f"{found[1]}{table(lines)}\n{found[2]}", page, flags=re.DOTALL)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        template = synthesize(Path(folder), {"stage": "prod"})
    page = PAGE.read_text(encoding="utf-8")
    for name, lines in (("images", images()), ("idle", idle_of(template))):
        page = written(page, name, lines)
        print(f"{name}: {sum(one.usd for one in lines):.2f} US dollars")
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
