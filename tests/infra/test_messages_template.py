"""What Cognito writes to people."""

from infra.template import Template

LONGEST = 20_000  # characters of a body, and 140 of a subject: Cognito's own limits


def test_the_code_and_the_invitation_are_in_our_words(dev: Template) -> None:
    pool = dev.only("AWS::Cognito::UserPool", "Identitypool")
    code = pool["VerificationMessageTemplate"]
    assert code["DefaultEmailOption"] == "CONFIRM_WITH_CODE"
    invitation = pool["AdminCreateUserConfig"]["InviteMessageTemplate"]
    for message, places in ((code, ["{####}"]), (invitation, ["{username}", "{####}"])):
        assert "Triagelens" in message["EmailSubject"]
        assert len(message["EmailSubject"]) <= 140
        assert len(message["EmailMessage"]) <= LONGEST
        assert [message["EmailMessage"].count(place) for place in places] == [1] * len(places)
