"""What the readers make of the stores of DermaScan, the brain tumour system and SMITA."""

import base64
import json
from pathlib import Path

import pytest

from tests.old_stores import FORM, HASH, PATIENT, PDF, SCAN, write_csv, write_json
from triagelens_client.migrate.braintumor import (
    ELSEWHERE,
    INVITED,
    NO_ADMINS,
    REPORT_ELSEWHERE,
    TWO_PATIENTS,
    read_braintumor,
)
from triagelens_client.migrate.dermascan import NOT_ONNX, ONNX, read_dermascan
from triagelens_client.migrate.records import Store, StoreError
from triagelens_client.migrate.smita import NOBODYS, read_smita

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4


def left_out(store: Store) -> dict[str, str]:
    return {one.ref: one.reason for one in store.unfit}


def put(root: Path, name: str, data: bytes = JPEG) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_patients_come_with_accounts_and_their_scans(tmp_path: Path) -> None:
    write_csv(tmp_path, patients=[PATIENT], scans=[SCAN])
    put(tmp_path, "scans/abc123.png")
    store = read_braintumor(tmp_path)
    (patient,) = store.patients
    assert (patient.number, patient.name) == ("P-2025-0007", "Zoë Quux")
    assert patient.details == {
        "email": "zoe@example.org",
        "age": 41,
        "gender": "female",
        "phone": "+49 30 901820",
        "address": "1 Main Street, Springfield",
    }
    (user,) = store.users
    assert (user.username, user.role, user.password_hash, user.patient) == (
        "zoe.quux",
        "patient",
        HASH,
        "P-2025-0007",
    )
    (scan,) = store.images
    assert (scan.ref, scan.patient, scan.read()) == ("scan-0001", "P-2025-0007", JPEG)
    assert scan.about == {
        "on_device_prediction": {"label": "Tumor", "probability": 0.975, "model": "braintumor"},
        "captured_at": "2025-02-02T09:30:00+00:00",
    }
    assert store.unfit == []
    assert HASH not in repr(store)


@pytest.mark.parametrize(
    "name", ["scan-0001.jpg", "original/mri.png", "brain_tumor_scans/original/abc123.png"]
)
def test_a_scan_is_found_by_its_id_and_by_names_that_only_it_has(tmp_path: Path, name: str) -> None:
    write_csv(tmp_path, patients=[PATIENT], scans=[SCAN])
    path = put(tmp_path, name if "/" in name else f"scans/{name}")
    assert [scan.read() for scan in read_braintumor(tmp_path).images] == [path.read_bytes()]


def test_a_name_that_two_scans_have_leads_to_nobody_elses_image(tmp_path: Path) -> None:
    other = {**SCAN, "id": 2, "scan_id": "scan-0002", "original_path": "", "patient_id": 7}
    write_csv(tmp_path, patients=[PATIENT], scans=[{**SCAN, "original_path": "mri.png"}, other])
    put(tmp_path, "scans/mri.png")
    store = read_braintumor(tmp_path)
    assert store.images == []
    assert left_out(store) == {"scan-0001": ELSEWHERE, "scan-0002": ELSEWHERE}


def test_what_of_the_brain_tumour_system_does_not_fit_is_told(tmp_path: Path) -> None:
    weak = {**PATIENT, "id": 8, "patient_id": "nº 8", "email": "nowhere", "age": "old", "username": ""}
    write_csv(
        tmp_path,
        patients=[PATIENT, weak, {**PATIENT, "id": 9}, {**PATIENT, "patient_id": "", "id": ""}],
        scans=[
            {**SCAN, "scan_id": "s1", "patient_id": 99},
            {**SCAN, "scan_id": "../out", "patient_id": 7},
            {**SCAN, "scan_id": "s2", "prediction": ""},
            {**SCAN, "scan_id": "s3"},
            {**SCAN, "scan_id": "s3"},
            {**SCAN, "scan_id": "s4", "patient_id": "p-2025-0007"},
        ],
        reports=[
            {"report_id": "R1", "patient_id": 99, "report_path": "reports/one.pdf"},
            {"report_id": "R2", "patient_id": 7, "report_path": "reports/gone.pdf"},
            {"report_id": "R3", "patient_id": 7, "report_path": ""},
            {"report_id": "R3", "patient_id": 7, "report_path": "reports/one.pdf"},
            {"report_id": "", "patient_id": 7, "report_path": "reports/one.pdf"},
            {"report_id": "../out", "patient_id": 7, "report_path": "x.pdf"},
        ],
        admins=[{"id": 1, "username": "admin", "password_hash": HASH}],
    )
    with (tmp_path / "patients.csv").open("a") as stream:
        stream.write("too,many,fields,in,this,row,a,b,c,d,e,f,g\n")
    put(tmp_path, "scans/s1.png")
    for name in ("s2", "s3", "s4"):
        put(tmp_path, f"scans/{name}.png")
    put(tmp_path, "reports/R1.pdf", PDF)
    store = read_braintumor(tmp_path)
    assert [one.reason for one in store.unfit if one.ref == "s3"] == [ELSEWHERE, "its scan_id came twice"]
    assert left_out(store) == {
        "patients.csv:4": "its patient_id came twice",
        "patients.csv:5": "it has no patient_id or no name",
        "patients.csv:6": "it is not a row of this table",
        "s1": "there is no such patient",
        "../out": "its name leads out of the folder",
        "s3": "its scan_id came twice",
        "s4": TWO_PATIENTS,
        "R1": "there is no such patient",
        "R2": REPORT_ELSEWHERE,
        "R3": "its report_id came twice",
        "reports.csv:6": "it has no report_id",
        "admin": NO_ADMINS,
    }
    eighth = store.patients[1]
    assert eighth.number.startswith("X")
    assert eighth.details == {"gender": "female", "phone": "+49 30 901820"} | {
        "address": "1 Main Street, Springfield"
    }
    assert eighth.remarks == (
        "the email is not one that the platform takes",
        "the age is not one that the platform takes",
        f"its number is now {eighth.number}",
    )
    assert store.images[0].remarks == ("what was found then could not be read",)


def test_patients_are_invited_only_where_asked_and_where_their_password_cannot_come(tmp_path: Path) -> None:
    other = {**PATIENT, "id": 8, "patient_id": "P-8", "password_hash": "scrypt:32768:8:1$x$y"}
    nowhere = {**other, "id": 9, "patient_id": "P-9", "username": "x", "email": ""}
    write_csv(tmp_path, patients=[PATIENT, other, nowhere])
    quiet = read_braintumor(tmp_path)
    assert [patient.invite for patient in quiet.patients] == [False, False, False]
    assert [user.patient for user in quiet.users] == ["P-2025-0007", "P-8", "P-9"]
    mailed = read_braintumor(tmp_path, invite=True)
    assert [patient.invite for patient in mailed.patients] == [False, True, False]
    assert mailed.patients[1].remarks == (INVITED,)
    assert [user.patient for user in mailed.users] == ["P-2025-0007", "P-9"]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b""])
def test_a_table_that_is_no_text_is_refused_as_a_whole(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, "patients.csv", content)
    with pytest.raises(StoreError):
        read_braintumor(tmp_path)


def test_the_tables_have_to_be_there(tmp_path: Path) -> None:
    for read in (read_braintumor, read_smita, read_dermascan):
        with pytest.raises(StoreError):
            read(tmp_path)


BINARY = {"$binary": {"base64": base64.b64encode(HASH.encode()).decode()}}
USERS = [
    {"email": "ann@example.org", "password": HASH, "name": "Ann", "is_admin": True},
    {
        "email": "ann@example.com",
        "password": {"$binary": {"base64": base64.b64encode(HASH.encode()).decode()}},
    },
    {"username": "bob", "password": HASH, "is_verified": False},
    {"password": HASH},
    "nonsense",
]


def test_users_of_smita_come_by_names_that_nobody_else_has(tmp_path: Path) -> None:
    store = read_smita(write_json(tmp_path, users=USERS))
    first, second = store.users
    assert (first.username, first.role, first.password_hash) == ("ann", "admin", HASH)
    assert second.username.startswith("ann-")
    assert (second.role, second.password_hash) == ("patient", HASH)
    assert first.remarks == ("signs in by this name, not by the e-mail address",)
    assert list(left_out(store).values()) == [
        "the e-mail address was never confirmed",
        "it has neither a username nor an e-mail address",
        "it is not a JSON object",
    ]
    assert [user.role for user in read_smita(tmp_path, role="gp").users] == ["admin", "gp"]


def test_habits_are_told_only_where_they_were_asked_for(tmp_path: Path) -> None:
    write_json(tmp_path, forms=[{**FORM, "alcohol": "on Sundays", "betel_nut": "No"}])
    put(tmp_path, "images/SMITA-001.png")
    (case,) = read_smita(tmp_path).cases
    assert case.form is not None
    assert (case.form["tobacco"], case.form["areca_nut"]) == ("current", "never")
    assert "alcohol" not in case.form
    assert case.form["answers"]["alcohol"] == "on Sundays"


@pytest.mark.parametrize("as_lines", [False, True])
def test_a_form_of_smita_becomes_a_case_with_form_and_comments(tmp_path: Path, as_lines: bool) -> None:
    said = {"smita_id": "SMITA-001", "comment": "See a surgeon.", "author": "dr", "date": "2025-05-07"}
    comments = [said, {"smita_id": "SMITA-001"}]
    forms = json.dumps(FORM) + "\n{broken\n" if as_lines else [FORM]
    write_json(tmp_path, forms=forms, comments=comments, feedbacks=[{"rating": 5}])
    put(tmp_path, "images/xyz789.jpg")
    store = read_smita(tmp_path)
    (case,) = store.cases
    assert (case.ref, case.images, case.specialty) == ("SMITA-001", ("SMITA-001",), "oral")
    assert case.comments == ("dr in SMITA 2025-05-07: See a surgeon.",)
    assert case.remarks == ("1 of its comments hold no text",)
    assert case.notes == "SMITA's form SMITA-001 2025-05-06. Found then: Lesion (91%)."
    assert case.form == {
        "consent": True,
        "reference": "SMITA-001",
        "name": "Zoë Quux",
        "age": 54,
        "gender": "female",
        "symptoms": ("burning", "swelling"),
        "tobacco": "current",
        "answers": {"Dentures?": "no"},
    }
    (image,) = store.images
    assert image.read() == JPEG
    assert image.about["captured_at"] == "2025-05-06T07:08:09+00:00"
    assert left_out(store)["feedbacks.json:1"] == NOBODYS
    assert ("forms.json:2" in left_out(store)) is as_lines


def test_a_form_that_says_nothing_of_a_consent_has_none(tmp_path: Path) -> None:
    silent = {key: value for key, value in FORM.items() if key != "consent"}
    write_json(tmp_path, forms=[silent])
    put(tmp_path, "images/SMITA-001.png")
    (case,) = read_smita(tmp_path).cases
    assert case.form is not None
    assert case.form["consent"] is False


def test_forms_without_their_own_image_are_left_out(tmp_path: Path) -> None:
    shared = {**FORM, "smita_id": "SMITA-002"}
    out = {**FORM, "smita_id": "../../etc/passwd", "image_url": ""}
    write_json(tmp_path, forms=[FORM, shared, FORM, out])
    put(tmp_path, "images/xyz789.jpg")
    store = read_smita(tmp_path)
    assert store.cases == []
    reasons = left_out(store)
    assert reasons["SMITA-002"].startswith("its image is not here")
    assert reasons["../../etc/passwd"] == "its name leads out of the folder"


def test_datasets_of_dermascan_are_folders_with_labelled_images(tmp_path: Path) -> None:
    server = tmp_path / "server"
    put(server, "data/HAM10000/images/a.jpg")
    put(server, "data/HAM10000/metadata.csv", b"image_id,image_path,label\na,images/a.jpg,melanoma\n")
    put(server, "data/classes/melanoma/a.jpg")
    put(server, "data/classes/benign/b.png")
    put(server, "data/classes/old.zip", b"PK")
    put(server, "data/flat/a.jpg")
    put(server, "data/empty/readme.txt", b"nothing")
    put(server, "data/packed/all.zip", b"PK")
    put(server, "data/stray.csv", b"x")
    put(server, "models/derma.h5", b"HDF")
    put(server, "models/derma.onnx", b"ONNX")
    put(server, "models/derma_metadata.json", b"{}")
    (server / "data" / "link").symlink_to(server / "data" / "classes")
    for place in (tmp_path, server):
        store = read_dermascan(place)
        assert [one.ref for one in store.datasets] == ["HAM10000", "classes"]
        assert store.datasets[1].remarks == ("1 archives in it are not opened; its other files are taken",)
        assert left_out(store) == {
            "flat": "neither metadata.csv nor a folder for each class says what its images show",
            "empty": "no images found",
            "packed": "it holds archives only: triagelens datasets create ARCHIVE --upload",
            "stray.csv": "it lies beside the datasets, in none of their folders",
            "models/derma.h5": NOT_ONNX,
            "models/derma.onnx": ONNX,
        }
    assert [one.ref for one in read_dermascan(server / "data").datasets] == ["HAM10000", "classes"]
