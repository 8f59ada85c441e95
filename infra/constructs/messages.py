"""What Cognito writes to people: their code, and their invitation. They name nothing clinical."""

from dataclasses import dataclass

CODE = "{####}"
USERNAME = "{username}"


@dataclass(frozen=True)
class Message:
    """A mail of Cognito's; the body is HTML."""

    subject: str
    body: str


def _page(*paragraphs: str) -> str:
    lines = "".join(f'<p style="margin:0 0 16px">{paragraph}</p>' for paragraph in paragraphs)
    return (
        '<div style="font:16px/1.5 sans-serif;color:#1f2933;max-width:480px">'
        f'<p style="margin:0 0 16px;font-weight:bold">Triagelens</p>{lines}</div>'
    )


def _large(text: str) -> str:
    return f'<span style="font:20px monospace">{text}</span>'


CODE_MESSAGE = Message(
    "Your code for Triagelens",
    _page(
        f"Your code is {_large(CODE)}",
        "If you did not ask for it, somebody may have mistyped their address, and there is nothing to do.",
    ),
)
INVITATION = Message(
    "Your account at Triagelens",
    _page(
        "An account was made for you.",
        f"Username: {_large(USERNAME)}<br>First password: {_large(CODE)}",
        "Sign in with both within three days; you will be asked for a password of your own.",
    ),
)
