"""What differs between the stages, and everything that the laptop cloud goes without."""

import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast, get_args

from infra.addresses import email_address, email_addresses, web_address

Stage = Literal["dev", "prod", "laptop"]
Architecture = Literal["arm64", "x86_64"]

ROOT = Path(__file__).resolve().parents[1]
STACK_NAME = "Triagelens"
TRAINING_STACK_NAME = "TriagelensTraining"
METRICS_NAMESPACE = "Triagelens"
CLOUD_PYTHON = "3.13"
API_STAGE = "api"

DLQ_RETENTION_DAYS = 14  # the longest that SQS keeps a message
QUEUE_RETENTION_DAYS = 4
ORIGINALS_EXPIRE_DAYS = DLQ_RETENTION_DAYS + 1  # a message in a DLQ can still be redriven to its photo
ARCHIVES_EXPIRE_DAYS = 30  # what was uploaded for an ingestion
EXPORTS_EXPIRE_DAYS = 7  # the record of an export says `expired` from then on
MULTIPART_ABORT_DAYS = 7  # an upload in parts can be taken up again for this long
MAX_RECEIVE_COUNT = 5
# How long closed days of the audit trail cannot be removed: six years in production.
AUDIT_KEPT_DAYS, AUDIT_KEPT_DAYS_ELSEWHERE = 2192, 1
MEMORY_OF_ONE_CPU_MB = 1769
LAPTOP_SENDER = "triagelens@example.org"

# What stage `laptop` goes without: what the laptop cloud refuses or cannot show.
LEFT_OUT_OF_LAPTOP = {
    "waf": "web application firewall and its association with the API",
    "threat_protection": "Cognito threat protection (adaptive sign-in, leaked passwords)",
    "snap_start": "SnapStart of the API function, its published version and alias",
    "tracing": "X-Ray tracing",
    "reserved_concurrency": "reserved concurrency of the pipeline's functions",
}


class Context(Protocol):
    """Where settings are looked up: the construct tree's context."""

    def try_get_context(self, key: str) -> object: ...


@dataclass(frozen=True)
class FunctionSize:
    """Memory in MB, timeout in seconds, and how many run at once at most (None: not a queue worker)."""

    memory_mb: int
    timeout_s: int
    concurrency: int | None = None

    @property
    def threads(self) -> int:
        """Whole CPUs that Lambda gives with this much memory, at least one."""
        return max(1, self.memory_mb // MEMORY_OF_ONE_CPU_MB)


CLOUD_SIZES = {
    "clinic_api": FunctionSize(memory_mb=1024, timeout_s=29),
    # A 50-megapixel photo peaks under 512 MB; the rest buys a whole CPU.
    "check_quality": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=30, concurrency=20),
    "run_inference": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=30, concurrency=20),
    "explain_image": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=27),
    "mark_dead_letters": FunctionSize(memory_mb=512, timeout_s=120, concurrency=1),
    "publish_events": FunctionSize(memory_mb=512, timeout_s=30, concurrency=10),
    "count_records": FunctionSize(memory_mb=512, timeout_s=60, concurrency=10),
    # One at a time: each link stands on the one before.
    "chain_audit": FunctionSize(memory_mb=512, timeout_s=60, concurrency=1),
    # Cognito waits five seconds; bcrypt is nothing but computing.
    "migrate_user": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=5),
    "seal_audit": FunctionSize(memory_mb=1024, timeout_s=300, concurrency=1),
    "rank_cases": FunctionSize(memory_mb=512, timeout_s=30, concurrency=5),
    # Two models at once, and before that a process that tries one: what an account may give at most.
    "register_model": FunctionSize(memory_mb=3008, timeout_s=600, concurrency=2),
    "replay_model": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=120, concurrency=2),
    "watch_canary": FunctionSize(memory_mb=512, timeout_s=30),
    # As long as a function may run; a file of 400 MB fits into the disk that every function has.
    "export_records": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=900, concurrency=2),
    # 200 images peak under 512 MB; the rest buys a whole CPU. Most of the time is for heatmaps not drawn yet.
    "render_report": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=300, concurrency=4),
    "notify": FunctionSize(memory_mb=512, timeout_s=60, concurrency=2),
    # One request takes ten seconds at most.
    "deliver_webhooks": FunctionSize(memory_mb=512, timeout_s=30, concurrency=10),
    # A patient with thousands of images takes minutes.
    "erase_patient": FunctionSize(memory_mb=512, timeout_s=600, concurrency=2),
}
# Short, so that a message which fails five times reaches its dead-letter queue within a minute.
LAPTOP_SIZES = {
    "clinic_api": FunctionSize(memory_mb=1024, timeout_s=29),
    "check_quality": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=10, concurrency=2),
    "run_inference": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=10, concurrency=2),
    "explain_image": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=27),
    "mark_dead_letters": FunctionSize(memory_mb=512, timeout_s=60, concurrency=1),
    "publish_events": FunctionSize(memory_mb=512, timeout_s=10, concurrency=2),
    "count_records": FunctionSize(memory_mb=512, timeout_s=20, concurrency=2),
    "chain_audit": FunctionSize(memory_mb=512, timeout_s=10, concurrency=1),
    "migrate_user": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=5),
    "seal_audit": FunctionSize(memory_mb=1024, timeout_s=60, concurrency=1),
    "rank_cases": FunctionSize(memory_mb=512, timeout_s=10, concurrency=2),
    "register_model": FunctionSize(memory_mb=3008, timeout_s=60, concurrency=2),
    "replay_model": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=30, concurrency=2),
    "watch_canary": FunctionSize(memory_mb=512, timeout_s=10),
    "export_records": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=60, concurrency=2),
    "render_report": FunctionSize(memory_mb=MEMORY_OF_ONE_CPU_MB, timeout_s=30, concurrency=2),
    "notify": FunctionSize(memory_mb=512, timeout_s=20, concurrency=2),
    "deliver_webhooks": FunctionSize(memory_mb=512, timeout_s=20, concurrency=2),
    "erase_patient": FunctionSize(memory_mb=512, timeout_s=60, concurrency=2),
}
# Functions of the stack TriagelensTraining, which no laptop has.
TRAINING_SIZES = {"watch_training": FunctionSize(memory_mb=512, timeout_s=60)}


@dataclass(frozen=True)
class Platform:
    """The interpreter and machine that layers are built for. `uv_platform` None: those of this computer."""

    architecture: Architecture
    python: str
    uv_platform: str | None

    @classmethod
    def cloud(cls, architecture: Architecture) -> "Platform":
        machine = "aarch64" if architecture == "arm64" else "x86_64"
        return cls(architecture, CLOUD_PYTHON, f"{machine}-manylinux_2_28")

    @classmethod
    def host(cls) -> "Platform":
        machine: Architecture = "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"
        return cls(machine, f"{sys.version_info.major}.{sys.version_info.minor}", None)


@dataclass(frozen=True)
class Config:
    """One deployment's settings, read from the CDK context."""

    stage: Stage
    platform: Platform
    cors_origins: tuple[str, ...]
    endpoint: str | None
    reserve_concurrency: bool
    training: bool = False
    training_usd_per_hour: float | None = None
    api_keys: tuple[str, ...] = ()
    clinic_name: str = "Triagelens"
    clinic_address: str = ""
    clinic_logo: str = ""
    mail_from: str | None = None
    case_mail_to: tuple[str, ...] = ()
    portal_url: str | None = None

    @classmethod
    def from_context(cls, context: Context) -> "Config":
        """Read `stage`, `architecture`, `cors_origins`, `endpoint`, `reserve_concurrency`, `training`,
        `training_usd_per_hour`, `api_keys`, `mail_from`, `case_mail_to` and `portal_url`.

        Raises:
            ValueError: a value is none of those allowed, or the endpoint and the stage do not go together.
        """
        stage = _stage(str(context.try_get_context("stage") or "dev"))
        architecture = _architecture(str(context.try_get_context("architecture") or "arm64"))
        endpoint = context.try_get_context("endpoint")
        if (stage == "laptop") != bool(endpoint):
            raise ValueError("stage laptop, and only that, needs the laptop cloud's address: -c endpoint=...")
        training = _yes(context, "training", otherwise=False)
        if stage == "laptop" and training:
            raise ValueError(
                "stage laptop has no AWS Batch: its worker trains (python -m infra.local worker)"
            )
        return cls(
            stage=stage,
            platform=Platform.host() if stage == "laptop" else Platform.cloud(architecture),
            cors_origins=_origins(context.try_get_context("cors_origins")),
            endpoint=str(endpoint).rstrip("/") if endpoint else None,
            reserve_concurrency=_yes(context, "reserve_concurrency", otherwise=True),
            training=training,
            training_usd_per_hour=_number(context, "training_usd_per_hour"),
            api_keys=_origins(context.try_get_context("api_keys")),
            clinic_name=str(context.try_get_context("clinic_name") or "Triagelens"),
            clinic_address=str(context.try_get_context("clinic_address") or ""),
            clinic_logo=str(context.try_get_context("clinic_logo") or ""),
            mail_from=email_address(context.try_get_context("mail_from") or _usual_sender(stage)),
            case_mail_to=email_addresses(_origins(context.try_get_context("case_mail_to"))),
            portal_url=web_address(context.try_get_context("portal_url")),
        )

    def has(self, feature: str) -> bool:
        """Whether this stage has a feature that the laptop cloud goes without."""
        if feature not in LEFT_OUT_OF_LAPTOP:
            raise KeyError(feature)
        return self.stage != "laptop"

    @property
    def retains_data(self) -> bool:
        """Whether deleting the stack leaves tables, buckets and people behind."""
        return self.stage == "prod"

    def size(self, package: str) -> FunctionSize:
        if package in TRAINING_SIZES:
            return TRAINING_SIZES[package]
        return (LAPTOP_SIZES if self.stage == "laptop" else CLOUD_SIZES)[package]

    def batch_name(self, kind: Literal["training", "ingest"]) -> str:
        """Name of a kind's queue and of its job definition: fixed, so that no stack has to tell another."""
        return f"triagelens-{self.stage}-{kind}"

    @property
    def registration_limits(self) -> dict[str, str]:
        """What a model may take while it is tried and measured; well under the function's own limits."""
        timeout_s = self.size("register_model").timeout_s
        return {
            "TRIAL_MEMORY_MB": "2048",
            "TRIAL_TIMEOUT_S": str(timeout_s // 4),
            "GATE_BUDGET_S": str(timeout_s // 2),
        }

    def visibility_timeout_s(self, package: str) -> int:
        """How long a message hides while it is worked on: six timeouts, as AWS advises; one on a laptop."""
        return self.size(package).timeout_s * (1 if self.stage == "laptop" else 6)


def _stage(name: str) -> Stage:
    for stage in get_args(Stage):
        if name == stage:
            return cast("Stage", stage)
    raise ValueError(f"stage is dev, prod or laptop, not {name!r}")


def _architecture(name: str) -> Architecture:
    for architecture in get_args(Architecture):
        if name == architecture:
            return cast("Architecture", architecture)
    raise ValueError(f"architecture is arm64 or x86_64, not {name!r}")


def _usual_sender(stage: Stage) -> str | None:
    """A laptop has a sender, as no mail leaves it."""
    return LAPTOP_SENDER if stage == "laptop" else None


def _origins(value: object) -> tuple[str, ...]:
    """A list, as in cdk.json, or one text with commas, as from the command line."""
    listed = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(origin for origin in (str(entry).strip() for entry in listed) if origin)


def _yes(context: Context, name: str, *, otherwise: bool) -> bool:
    """A truth of JSON, or its text as from the command line; `otherwise` where nothing is said.

    Raises:
        ValueError: it is neither true nor false.
    """
    value = context.try_get_context(name)
    if value is None:
        return otherwise
    known = {"true": True, "false": False}
    if str(value).lower() not in known:
        raise ValueError(f"{name} is true or false, not {value!r}")
    return known[str(value).lower()]


def _number(context: Context, name: str) -> float | None:
    """A number that is not negative, or nothing.

    Raises:
        ValueError: it is none.
    """
    value = context.try_get_context(name)
    if value is None:
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ValueError(f"{name} is a number from 0 on, not {value!r}")
    return number
