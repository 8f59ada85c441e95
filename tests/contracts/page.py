"""Writes docs/compat.md from the contracts: `python -m tests.contracts.page`."""

from pathlib import Path

from tests.contracts.contract import SYSTEMS, Contract, contracts
from tests.contracts.elsewhere import ELSEWHERE

FILE = Path("docs/compat.md")
TITLES = {
    "cataract": "Cataract training data",
    "smita": "SMITA, oral cancer",
    "dermascan": "DermaScan, training",
    "allcare": "AllCare, skin",
    "braintumor": "Brain tumour detection",
}
STATES = {
    "served": "as ever",
    "changed": "served, changed",
    "refused": "refused, names the replacement",
}
INTRODUCTION = """\
# The former systems' apps

<!-- Written by `make compat` from the contracts under tests/contracts. -->

An app of one of the five former systems goes on working when its base URL becomes that of this API and
`/compat/<system>`, and when it sends `Authorization: Bearer <token>`. Behind its routes is what `/v1` asks
too: the same images, cases, patients and people, and the same rules of who may do what. Field names, units,
status words and the shape of errors are the former ones.

What changed for all of them:

- **Nobody is anonymous.** Every route but sign-in, sign-up and health needs a token. `X-User-Id` and
  `X-User-Role` count for nothing: anybody can write them.
- **There is no default admin.** `admin`/`admin` signs nobody in; see [people](people.md) for the first admin.
- **Photos in a request: 4.5 MB.** That is what fits through API Gateway and Lambda. A larger one is answered
  with 413; it goes the way of `POST /v1/images`, straight to S3, with up to 50 MB.
- **An answer may come later.** A route that used to answer with a finding waits up to 20 seconds for it. If
  it is not there by then, the answer is 202 with the image's id; sending the same photo again asks again.
- **A model that is missing is an error.** There are no random predictions. A photo whose analysis failed is
  analysed again when it is sent again.
- **Authenticator app.** Where it is switched on (stage `prod`), doctors and admins need its code to sign in.
- **Passwords.** People who came over sign in with their former password; people who were invited with a
  generated password choose their own at the first sign-in.
- **429** comes with `Retry-After` when somebody tries passwords or calls too often.

Each line below is a file of requests and answers, written from the former system's own text, that is played
against the deployed stack by `make test`, over TLS and with no more rights than each function has. A status
in brackets is one that a stack that all of them share is not brought to, such as 429: unit tests show it.
"""


def page() -> str:
    """The page as it is committed."""
    parts = [INTRODUCTION]
    for system in SYSTEMS:
        parts.append(f"\n## {TITLES[system]}\n\nBase URL: `<API>/compat/{system}`\n\n")
        parts.append("| Route | State | Contract | Statuses shown |\n| --- | --- | --- | --- |\n")
        found = [(name, made) for name, made in contracts().items() if name.startswith(f"{system}/")]
        parts += [_row(name, contract) for name, contract in found]
        breaks = [(contract.route, text) for _, contract in found for text in contract.breaks]
        if breaks:
            parts.append("\nWhat changed:\n\n")
            parts += [f"- `{route}`: {text}\n" for route, text in breaks]
    return "".join(parts)


def _row(name: str, contract: Contract) -> str:
    shown = {step.status: str(step.status) for step in contract.steps if step.method is None}
    system = name.partition("/")[0]
    shown |= {status: f"({status})" for status in ELSEWHERE.get(f"{system} {contract.route}", ())}
    statuses = ", ".join(shown[status] for status in sorted(shown))
    return f"| `{contract.route}` | {STATES[contract.state]} | `{name}.json` | {statuses} |\n"


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
