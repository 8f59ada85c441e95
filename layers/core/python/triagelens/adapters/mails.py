"""Amazon SES."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from triagelens.domain.errors import UnavailableError
from triagelens.domain.mails import EVENT_ID_HEADER, Mail
from triagelens.services.mailing import AddressRefusedError

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

SENDER_NAME = "Triagelens"
RETRY_AFTER_S = 30
# Of one mail, not of the service or of the sender.
REFUSED = frozenset({"BadRequestException", "MessageRejected"})


class SesMails:
    """`services.mailing.MailService`.

    SES names addresses in what it refuses, so none of its words and none of its errors go on from here.
    """

    def __init__(self, client: "SESV2Client", sender: str) -> None:
        self._client = client
        self._sender = sender

    def send(self, mail: Mail, to: str, event_id: str) -> None:
        refusal = self._refusal(mail, to, event_id)
        if refusal is not None:
            raise refusal

    def _refusal(self, mail: Mail, to: str, event_id: str) -> AddressRefusedError | UnavailableError | None:
        try:
            self._client.send_email(
                FromEmailAddress=f"{SENDER_NAME} <{self._sender}>",
                Destination={"ToAddresses": [to]},
                Content={
                    "Simple": {
                        "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
                        "Body": {
                            "Text": {"Data": mail.text, "Charset": "UTF-8"},
                            "Html": {"Data": mail.html, "Charset": "UTF-8"},
                        },
                        "Headers": [
                            {"Name": EVENT_ID_HEADER, "Value": event_id},
                            {"Name": "Auto-Submitted", "Value": "auto-generated"},
                        ],
                    }
                },
            )
        except ClientError as error:
            told = error.response["Error"]
            # An unverified sender is refused in the same words as an unverified receiver.
            ours = self._sender.lower() in told.get("Message", "").lower()
            if told["Code"] in REFUSED and not ours:
                return AddressRefusedError("The mail service refuses this address.")
            return UnavailableError(f"The mail service answered {told['Code']}.", RETRY_AFTER_S)
        except BotoCoreError as error:
            return UnavailableError(
                f"The mail service does not answer ({type(error).__name__}).", RETRY_AFTER_S
            )
        return None
