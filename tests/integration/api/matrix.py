"""Who may do what with whose things: one row for each operation of the document.

A row says whose role may ask at all, and of what kind the thing is that the request names. With `SEEN`, which
says whose things of a kind one reaches, that states each cell: role x ownership -> allowed or denied.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from triagelens.domain.people import MAY, Action, Role

Roles = frozenset[Role]
ALL: Roles = frozenset(Role)
NONE: Roles = frozenset()


class Ownership(StrEnum):
    """Whose the thing is that a request names."""

    ANY = "-"  # it names none
    OWN = "own"
    THEIRS = "somebody else's"
    MISSING = "missing"


# Of each kind of thing: who reaches their own, and who reaches somebody else's.
SEEN: Mapping[str, tuple[Roles, Roles]] = {
    "image": (ALL, MAY[Action.SEE_ALL_IMAGES]),
    "case": (ALL, MAY[Action.SEE_ALL_CASES]),
    "patient": (ALL, MAY[Action.SEE_ALL_PATIENTS]),
    "report": (ALL, MAY[Action.SEE_ALL_CASES]),
    "export": (ALL, MAY[Action.SEE_ALL_EXPORTS]),
    "number": (ALL, NONE),  # held by one person
    "comment": (ALL, NONE),  # edited by its author
    "drawing": (ALL, NONE),  # edited by who drew it
    "model in question": (NONE, ALL),  # nobody promotes their own
    # What is the whole organisation's.
    "annotation": (ALL, ALL),
    "dataset": (ALL, ALL),
    "day": (ALL, ALL),
    "erasure": (ALL, ALL),
    "import": (ALL, ALL),
    "job": (ALL, ALL),
    "model": (ALL, ALL),
    "replay": (ALL, ALL),
    "user": (ALL, ALL),
    "webhook": (ALL, ALL),
}


@dataclass(frozen=True)
class Row:
    """What is stated of an operation.

    Attributes:
        roles: who may ask at all; None: anybody, without a token.
        of: kind of the thing that is named, and after a slash what is special about it (`case/form`).
        also: statuses beside 2xx that who is allowed may get: the request was let through, and then
            refused for the state of things.
        body: in place of the document's example; `{case_id}` and the like are filled in.
        needs: kinds of further things that the request names.
        spends: afterwards the thing is no longer what it was, so that each request gets one of its own.
        own_session: it ends the caller's session, so that the caller is somebody new.
        tells: why its denials may tell what there is; empty: they may not.
    """

    roles: Roles | None
    of: str | None = None
    also: frozenset[int] = frozenset()
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    if_match: bool = True
    spends: bool = False
    own_session: bool = False
    tells: str = ""

    @property
    def ownerships(self) -> tuple[Ownership, ...]:
        if self.of is None:
            return (Ownership.ANY,)
        return (Ownership.OWN, Ownership.THEIRS, Ownership.MISSING)

    def allows(self, role: Role | None, whose: Ownership) -> bool:
        """The cell. `role` None is nobody: no token."""
        if self.roles is None:
            return True
        if role not in self.roles or whose is Ownership.MISSING:
            return False
        if self.of is None or whose is Ownership.ANY:
            return True
        own, theirs = SEEN[self.of.partition("/")[0]]
        return role in (own if whose is Ownership.OWN else theirs)


WORK, READ, GOLD = MAY[Action.WORK_ON_CASES], MAY[Action.READ_CASES], MAY[Action.MEASURE_READERS]
PATIENTS, PEOPLE, AUDIT = MAY[Action.WORK_ON_PATIENTS], MAY[Action.MANAGE_PEOPLE], MAY[Action.READ_AUDIT]
MODELS, TRAIN, DATA = MAY[Action.MANAGE_MODELS], MAY[Action.TRAIN], MAY[Action.MANAGE_DATASETS]
REFUSED = frozenset({409})  # by the state of things, not by who asks
SKIN = {"specialty": "skin"}
ACCOUNT = {"username": "{username}", "password": "{password}"}
COCO = {
    "images": [{"id": 1, "file_name": "{image_id}.jpg", "width": 10, "height": 10}],
    "categories": [{"id": 1, "name": "cataract"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 3, 3], "segmentation": []}],
}
DRAWN = {"boxes": [{"x": 1, "y": 2, "width": 5, "height": 6, "label": "cataract"}]}
CATARACT = {"correct_label": "cataract"}
PHOTO = {"specialty": "eye", "content_type": "image/jpeg", "size_bytes": 2000}
NEWCOMER = {"username": "{new}", "password_hash": "{hash}", "first_name": "J", "last_name": "R", "role": "gp"}
IN_SIGHT = "who may edit one at all sees all of them"

PEOPLES: Mapping[str, Row] = {
    "health": Row(None),
    "sign_up": Row(None, body={**ACCOUNT, "username": "{new}"}),
    "confirm_sign_up": Row(None, needs=("newcomer",), body={"username": "{username}", "code": "123456"}),
    "resend_code": Row(None),
    "sign_in": Row(None, needs=("account",), body=ACCOUNT),
    "refresh_tokens": Row(None, needs=("account",), body={"refresh_token": "{refresh_token}"}),
    "forgot_password": Row(None),
    "reset_password": Row(
        None,
        needs=("forgetful",),
        body={"username": "{username}", "code": "123456", "new_password": "another-Horse-10"},
    ),
    "begin_totp": Row(None, needs=("account",), body=ACCOUNT),
    "verify_totp": Row(None, needs=("account",), body={**ACCOUNT, "new_code": "123456"}),
    "change_password": Row(
        ALL, own_session=True, body={"old_password": "{password}", "new_password": "another-Horse-10"}
    ),
    "sign_out": Row(ALL, own_session=True),
    "me": Row(ALL),
    "change_me": Row(ALL),
    "list_users": Row(PEOPLE),
    "invite_user": Row(PEOPLE, body={"username": "{new}", "email": "{new}@example.org", "role": "gp"}),
    "migrate_users": Row(PEOPLE, body={"users": [NEWCOMER]}),
    "get_user": Row(PEOPLE, "user"),
    "change_user": Row(PEOPLE, "user", REFUSED, body={"disabled": True}, spends=True),
    "delete_user": Row(PEOPLE, "user", REFUSED, spends=True),
    "reset_user_password": Row(PEOPLE, "user", REFUSED, spends=True),
    "reset_user_authenticator": Row(PEOPLE, "user", REFUSED, spends=True),
    "list_audit_entries": Row(AUDIT),
    "list_audit_days": Row(AUDIT),
    "get_audit_day": Row(AUDIT, "day"),
    "get_statistics": Row(MAY[Action.SEE_STATISTICS]),
    "list_patients": Row(ALL),
    "create_patient": Row(PATIENTS, body={"name": "Somebody"}),
    "get_patient": Row(ALL, "patient"),
    "amend_patient": Row(PATIENTS, "patient", body={"name": "Somebody"}),
    "list_patient_images": Row(ALL, "patient"),
    "list_patient_cases": Row(ALL, "patient"),
}
CLINICAL: Mapping[str, Row] = {
    "list_specialties": Row(ALL),
    "create_image": Row(ALL, body=PHOTO),
    "create_image: of a patient": Row(ALL, "patient", body={**PHOTO, "patient_id": "{patient_id}"}),
    "list_images": Row(ALL),
    "get_image": Row(ALL, "image"),
    "get_image_content": Row(ALL, "image"),
    "explain_image": Row(ALL, "image", REFUSED),
    "retry_image": Row(MAY[Action.RETRY_IMAGES], "image", spends=True),
    "take_case_number": Row(WORK),
    "release_case_number": Row(WORK, "number", spends=True),
    "list_cases": Row(ALL),
    "create_case": Row(WORK, "image", body={"specialty": "eye", "image_ids": ["{image_id}"]}, spends=True),
    "create_case: of a patient": Row(
        WORK,
        "patient",
        needs=("image/mine",),
        body={"specialty": "eye", "image_ids": ["{image_id}"], "patient_id": "{patient_id}"},
    ),
    "get_case": Row(ALL, "case"),
    "amend_case": Row(WORK, "case", body={"notes": "Grown."}),
    "amend_case: another image": Row(
        WORK, "image", needs=("case/mine",), body={"image_ids": ["{image_id}"]}, spends=True
    ),
    "amend_case: another patient": Row(
        WORK, "patient", needs=("case/mine",), body={"patient_id": "{patient_id}"}
    ),
    "confirm_case": Row(WORK, "case", spends=True),
    "mark_case_uncertain": Row(WORK, "case", spends=True),
    "reject_case": Row(WORK, "case", spends=True),
    "get_case_history": Row(WORK, "case"),
    "add_case_comment": Row(WORK, "case"),
    "list_case_comments": Row(WORK, "case"),
    "edit_case_comment": Row(WORK, "comment", tells=IN_SIGHT),
    "submit_case_form": Row(WORK, "case", if_match=False, spends=True),
    "get_case_form": Row(WORK, "case/form"),
    "want_case_readers": Row(WORK, "case", spends=True),
}
REVIEWING: Mapping[str, Row] = {
    "label_case": Row(READ, "case", body=CATARACT),
    "list_case_labels": Row(READ, "case"),
    "get_case_agreement": Row(READ, "case"),
    "adjudicate_case": Row(READ, "case/disputed", body={**CATARACT, "reason": "Seen again."}, spends=True),
    "annotate_case": Row(READ, "case", body={**DRAWN, "image_index": 0}),
    "list_case_annotations": Row(READ, "case"),
    "export_case_annotations": Row(READ, "case"),
    "import_case_annotations": Row(READ, "case", body=COCO),
    "get_case_annotation": Row(READ, "annotation"),
    "edit_case_annotation": Row(READ, "drawing", body=DRAWN, tells=IN_SIGHT),
    "set_gold_case": Row(GOLD, "case", body=CATARACT),
    "remove_gold_case": Row(GOLD, "case"),
    "get_review_queue": Row(READ, query=SKIN),
    "list_disputed_cases": Row(READ, query=SKIN),
    "get_agreement": Row(READ, query=SKIN),
    "get_reader_accuracy": Row(GOLD, query=SKIN),
    "give_feedback": Row(ALL),
    "get_my_feedback": Row(ALL),
    "list_feedback": Row(MAY[Action.SEE_FEEDBACK]),
    "reset_feedback": Row(MAY[Action.SEE_FEEDBACK]),
}
LEARNING: Mapping[str, Row] = {
    "list_models": Row(MAY[Action.SEE_MODELS]),
    "get_model": Row(MAY[Action.SEE_MODELS], "model"),
    "import_model": Row(MODELS, body={"manifest": "{manifest}", "size_bytes": 5000}),
    "get_model_import": Row(TRAIN, "import"),
    "promote_model": Row(
        MODELS,
        "model in question",
        body={"share": 1.0, "reason": "As agreed."},
        tells="admins see every model",
        spends=True,
    ),
    "activate_model": Row(MODELS, "model"),
    "roll_back_model": Row(MODELS, "model", REFUSED),
    "retire_model": Row(MODELS, "model", spends=True),
    "replay_model": Row(MODELS, "model"),
    "get_replay": Row(MODELS, "replay"),
    "start_training": Row(TRAIN, also=REFUSED, body={"specialty": "skin", "architecture": "ResNet18"}),
    "start_training: on a dataset": Row(
        TRAIN, "dataset", REFUSED, body={"dataset_id": "{dataset_id}", "architecture": "ResNet18"}
    ),
    "list_training_jobs": Row(TRAIN),
    "get_training_job": Row(TRAIN, "job"),
    "cancel_training_job": Row(TRAIN, "job", spends=True),
    "list_datasets": Row(DATA),
    "create_dataset": Row(DATA),
    "create_dataset_from_labels": Row(DATA),
    "get_dataset": Row(DATA, "dataset"),
    "abort_dataset": Row(DATA, "dataset", spends=True),
    "complete_dataset": Row(DATA, "dataset/multipart", REFUSED),
    "announce_dataset_files": Row(DATA, "dataset/files"),
    "renew_dataset_form": Row(DATA, "dataset"),
    "ingest_dataset": Row(DATA, "dataset", REFUSED),
    "list_dataset_parts": Row(DATA, "dataset/multipart"),
    "place_dataset_parts": Row(DATA, "dataset/multipart", body={"part_numbers": [1]}),
}
FORMER = {"system": "braintumor", "reference": "R1", "sha256": "a" * 64, "size_bytes": 5}
ERASE, HOOKS = MAY[Action.ERASE_PATIENTS], MAY[Action.MANAGE_WEBHOOKS]
EXPORT, EXPORT_PEOPLE = MAY[Action.EXPORT], MAY[Action.EXPORT_PEOPLE]
IMAGES = {"what": "images", "format": "csv"}
HOOK = {"url": "https://hooks.example.org/", "events": ["image.analyzed"]}

TELLING: Mapping[str, Row] = {
    "request_case_report": Row(WORK, "case"),
    "list_case_reports": Row(ALL, "case"),
    "request_patient_report": Row(PATIENTS, "patient"),
    "take_over_report": Row(MAY[Action.TAKE_OVER], "patient", body=FORMER),
    "list_patient_reports": Row(ALL, "patient"),
    "list_reports": Row(ALL),
    "get_report": Row(ALL, "report"),
    "get_report: for clinicians": Row(WORK, "report/clinic"),
    "request_export": Row(EXPORT, body=IMAGES),
    "request_export: with names": Row(EXPORT_PEOPLE, body={**IMAGES, "include_people": True}),
    "list_exports": Row(EXPORT),
    "get_export": Row(EXPORT, "export"),
    "get_export: with names": Row(EXPORT_PEOPLE, "export/people", tells="one's own is known"),
    "create_webhook": Row(HOOKS, body=HOOK),
    "list_webhooks": Row(HOOKS),
    "get_webhook": Row(HOOKS, "webhook"),
    "change_webhook": Row(HOOKS, "webhook", body=HOOK),
    "delete_webhook": Row(HOOKS, "webhook", spends=True),
    "rotate_webhook_secret": Row(HOOKS, "webhook"),
    "list_webhook_deliveries": Row(HOOKS, "webhook"),
    "erase_patient": Row(ERASE, "patient", spends=True),
    "list_erasures": Row(ERASE),
    "get_erasure": Row(ERASE, "erasure"),
}
# `operation: what is special` -> what is stated of it.
ROWS: Mapping[str, Row] = {**PEOPLES, **CLINICAL, **REVIEWING, **LEARNING, **TELLING}
