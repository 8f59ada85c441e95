"""What a former system's app sends and is answered, as files: `tests/contracts/<system>/<route>.json`.

A file is one route. Its `steps` are requests in their order, with the status and the body that each is
answered with; `before` are the requests, of any route, that bring about what they need. In a body that is
sent, `{name}` stands for what an earlier step kept. In a body that is expected, see `matching`.
"""

from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FOLDER = Path(__file__).parent
SYSTEMS = {"cataract": 3, "smita": 14, "dermascan": 5, "allcare": 15, "braintumor": 19}
"""The former systems, and how many routes each has."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Part):
    """One request and its answer.

    Attributes:
        what: what this shows, in words.
        by: whose token comes with it: a role, with a number where it takes another person of it.
        method, path: the route's own if not given; a path of `/v1` is not below the system's prefix.
        form: fields of a form; what is no text is sent as JSON.
        files: names of test files by field (see `files.py` of the e2e tests), in one form with `form`.
        ingest: the job that is done before: a dataset's ingestion.
        train: the job that is half done before: a training, up to epoch 15 of 30.
        crowded: as many wait meanwhile as may, so that nothing is waited for.
        mail: address whose invitation is read before: `{mailed_username}` and `{mailed_password}`.
        keep: names for values of the answer, by their path (`user.user_id`, `0.image_id`).
        eventually: the answer is asked for until it comes.
    """

    what: str
    by: str | None = Field(default=None, alias="as", pattern=r"^(patient|gp|doctor|researcher|admin)\d?$")
    method: str | None = None
    path: str | None = None
    query: dict[str, Any] = {}
    headers: dict[str, str] = {}
    body: Any = Field(default=None, alias="json")
    form: dict[str, Any] | None = None
    files: dict[str, str | list[str]] = {}
    ingest: str | None = None
    train: str | None = None
    crowded: bool = False
    mail: str | None = None
    status: int
    answer: Any = None
    keep: dict[str, str] = {}
    eventually: bool = False


class Contract(_Part):
    """One route of a former system.

    Attributes:
        route: method and path as the former system's texts name it.
        state: `served` as ever, `changed` in what `breaks` tells, or `refused` with the replacement's name.
        anonymous: answers without a token.
    """

    route: str = Field(pattern=r"^(GET|POST|PUT|DELETE) /\S+$")
    state: Literal["served", "changed", "refused"]
    anonymous: bool = False
    breaks: list[str] = []
    before: list[Step] = []
    steps: list[Step] = Field(min_length=1)

    @property
    def method(self) -> str:
        return self.route.split(" ")[0]

    @property
    def path(self) -> str:
        return self.route.split(" ")[1]


@cache
def contracts() -> dict[str, Contract]:
    """Every contract by `<system>/<file>`, in the order of the names."""
    files = sorted(path for system in SYSTEMS for path in (FOLDER / system).glob("*.json"))
    return {
        f"{path.parent.name}/{path.stem}": Contract.model_validate_json(path.read_text()) for path in files
    }
