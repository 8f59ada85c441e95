"""What admins do with people's accounts, and what people do with their own record."""

from dataclasses import dataclass, field
from typing import Any

from triagelens.domain.audit import Outcome
from triagelens.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from triagelens.domain.people import Person, Role
from triagelens.services.accounts import Arrivals, NoArrivals
from triagelens.services.identity_ports import Account, Directory, IdentityProvider
from triagelens.services.journal import Journal
from triagelens.services.ports import Clock, Page, People
from triagelens.services.sessions import Sessions, change_record

TAKEN_TEXT = "This username or e-mail address is taken."
ONESELF_TEXT = "Admins cannot take their own role away, nor disable or delete themselves: ask another admin."


@dataclass(frozen=True)
class Users:
    """Each change is written down before it is made, and on the record before it is made at the provider.

    The record decides, so a change holds for the next request. Repeating a change that failed half-way
    completes it.
    """

    people: People
    identity: IdentityProvider
    directory: Directory
    sessions: Sessions
    clock: Clock
    journal: Journal
    arrivals: Arrivals = field(default_factory=NoArrivals)

    def page(self, role: Role | None, limit: int, cursor: str | None) -> Page[Person]:
        """People by role and username.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """
        if role is not None:
            return self.people.people(role, limit, cursor)
        return self._page_of_all(limit, cursor)

    def invite(
        self,
        by: Person,
        username: str,
        email: str,
        role: Role,
        name: str | None,
        patient_id: str | None = None,
    ) -> Person:
        """A new person, who gets their first password by e-mail.

        An invitation whose record could not be written is taken up again by the next one of that name, and
        that of a patient by the next one of that patient.

        Raises:
            ConflictError: the name or the address is taken.
            InvalidRequestError: the provider does not take them.
        """
        if self.arrivals.expects(username):
            raise ConflictError(TAKEN_TEXT)
        account = self.directory.invite(username, email, name)
        account = account or self._begun(username, email, patient_id)
        self.journal.write(by.sub, "person.create", account.sub, reason=f"role {role}")
        person = self.people.add_person(
            Person(
                sub=account.sub,
                username=account.username,
                role=role,
                email=email,
                name=name,
                patient_id=patient_id,
                created_at=self.clock(),
            )
        )
        self.directory.set_role(username, role)
        return person

    def change(self, admin: Person, sub: str, **changes: Any) -> Person:
        """Changes `role`, `disabled` or `name`.

        Raises:
            NotFoundError: there is no such person.
            ConflictError: admins may not do this to themselves, or a record changed at the same time.
        """
        person = self.people.person(sub)
        if changes.get("role", person.role) is not person.role or changes.get("disabled"):
            self._not_oneself(admin, person, "person.change")
        self.journal.write(admin.sub, "person.change", sub, reason=_told(changes))
        changed = person.model_copy(update=changes)
        if changed != person and admin.sub == person.sub:  # only the name, and no witness to oneself
            person = self.people.replace_person(changed)
        elif changed != person:
            person = self.people.change_person(changed, admin)
        if "role" in changes:
            self.directory.set_role(person.username, person.role)
        if "disabled" in changes:
            self.directory.set_enabled(person.username, not person.disabled)
        return person

    def remove(self, admin: Person, sub: str) -> None:
        """Deletes account and record. The record is disabled first, so that it holds at once.

        Raises:
            NotFoundError: there is no such person.
            ConflictError: admins may not do this to themselves, or a record changed at the same time.
        """
        person = self.people.person(sub)
        self._not_oneself(admin, person, "person.delete")
        self.journal.write(admin.sub, "person.delete", sub)
        disabled = person.model_copy(update={"disabled": True})
        person = self.people.change_person(disabled, admin)
        self.directory.remove(person.username)
        self.people.remove_person(person, admin)

    def reset_password(self, admin: Person, sub: str) -> None:
        """Takes the password away: the person is mailed a code for a new one, or a new invitation.

        Raises:
            NotFoundError: there is no such person.
            ConflictError: the account has no confirmed e-mail address.
        """
        person = self.people.person(sub)
        account = self.identity.account(person.username)
        if account is None:
            raise NotFoundError("The identity provider knows no such account.")
        self.journal.write(admin.sub, "person.reset_password", sub)
        if account.invited:
            self.directory.invite_again(person.username)
            return
        self.directory.require_reset(person.username)
        self.sessions.end(person)

    def reset_authenticator(self, admin: Person, sub: str) -> Person:
        """For who has lost their authenticator app. Where the role needs one, they set up a new one first.

        Raises:
            NotFoundError: there is no such person.
            ConflictError: admins may not do this to themselves.
        """
        person = self.people.person(sub)
        self._not_oneself(admin, person, "person.reset_authenticator")
        self.journal.write(admin.sub, "person.reset_authenticator", sub)
        self.directory.forget_authenticator(person.username)
        self.sessions.end(person)
        return change_record(self.people, sub, second_factor=False)

    def change_oneself(self, person: Person, **changes: Any) -> Person:
        """A person's own change of `name` or `mail`."""
        self.journal.write(person.sub, "person.change", person.sub, reason=_told(changes))
        return change_record(self.people, person.sub, **changes)

    def _begun(self, username: str, email: str, patient_id: str | None) -> Account:
        """The account of an invitation that has no record yet, or of this patient's own.

        Only of an invitation: whoever signed up by themselves chose the password, and vouches for nothing.
        """
        account = self.identity.account(username)
        if account is None:
            raise ConflictError(TAKEN_TEXT)
        try:
            known = self.people.person(account.sub)
        except NotFoundError:
            if account.invited and account.email == email:
                return account
            raise ConflictError(TAKEN_TEXT) from None
        if patient_id is not None and known.patient_id == patient_id:
            return account
        raise ConflictError(TAKEN_TEXT)

    def _not_oneself(self, admin: Person, person: Person, action: str) -> None:
        if admin.sub == person.sub:
            self.journal.write(admin.sub, action, person.sub, Outcome.DENIED, "oneself")
            raise ConflictError(ONESELF_TEXT)

    def _page_of_all(self, limit: int, cursor: str | None) -> Page[Person]:
        roles = [str(role) for role in Role]
        name, _, sub = (cursor or f"{roles[0]}:").partition(":")
        if name not in roles:
            raise InvalidRequestError("The cursor is not one that this list gave out.")
        items: list[Person] = []
        for current in roles[roles.index(name) :]:
            start = sub or None if current == name else None
            page = self.people.people(Role(current), limit - len(items), start)
            items.extend(page.items)
            if page.cursor is not None:
                return Page(items, f"{current}:{page.cursor}")
            if len(items) == limit and current != roles[-1]:
                return Page(items, f"{roles[roles.index(current) + 1]}:")
        return Page(items, None)


def _told(changes: dict[str, Any]) -> str:
    """What was changed, for the trail. Names are not told."""
    return ", ".join(name if name == "name" else f"{name} {value}".lower() for name, value in changes.items())
