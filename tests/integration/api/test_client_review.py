"""The client's review, forms and feedback and their commands, against the whole API."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.integration.api.conftest import Api
from tests.integration.api.test_api_annotations import DRAWN, drawable
from tests.integration.api.test_api_forms_feedback import FORM
from tests.integration.api.test_api_review import of_margin, rank
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API
from triagelens.domain.people import Role
from triagelens_client import ConflictError, OutdatedError, Triagelens
from triagelens_client.cli import app

Person = dict[str, str]
Run = Callable[..., Result]
DRAWING = {name: value for name, value in DRAWN.items() if name != "image_index"}


def client_of(api: Api, person: Person) -> Triagelens:
    token = person["Authorization"].removeprefix("Bearer ")
    return Triagelens(API, token_provider=lambda refused=None: token, transport=Door(api.client))


@pytest.fixture
def people(api: Api) -> dict[str, Person]:
    roles = {"anna": Role.DOCTOR, "bert": Role.DOCTOR, "cleo": Role.DOCTOR, "root": Role.ADMIN}
    return {name: api.sign_up(name, role) for name, role in roles.items()}


@pytest.fixture
def run(api: Api, people: dict[str, Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command of anna's, or of somebody else's."""

    def run(*arguments: object, name: str = "anna") -> Result:
        client = client_of(api, people[name])
        monkeypatch.setattr("triagelens_client.cli.connection.Triagelens", lambda *_, **__: client)
        environment = {"TRIAGELENS_CONFIG_DIR": str(tmp_path), "TRIAGELENS_API_URL": API, "COLUMNS": "200"}
        return CliRunner().invoke(app, [*map(str, arguments)], env=environment)

    return run


def test_readers_ask_what_is_next_label_it_and_settle_it(
    api: Api, people: dict[str, Person], run: Run
) -> None:
    anna, bert, cleo = (client_of(api, people[name]) for name in ("anna", "bert", "cleo"))
    case_id = of_margin(api, people["anna"], 0.1)
    assert anna.review.want_readers(case_id, 2).readers_wanted == 2
    rank(api)
    queue = anna.review.queue("eye", strategy="entropy")
    assert [(case.case_id, case.readers_wanted) for case in queue.items] == [(case_id, 2)]
    assert case_id in run("review", "next", "eye").stdout
    told = json.loads(run("review", "next", "eye", "--json", "--strategy", "diverse").stdout)
    assert told["selection_method"] == "k_centre_case_sampling"
    assert run("review", "gold", case_id, "normal", name="root").exit_code == 0
    anna.cases.label(case_id, "normal")
    bert.cases.label(case_id, "cataract")
    assert anna.review.queue("eye").items == ()
    assert anna.review.agreement_on(case_id).state == "disputed"
    with pytest.raises(ConflictError):
        anna.review.want_readers(case_id, 3)
    refused = run("review", "adjudicate", case_id, "normal", "--reason", "Mine.")
    assert (refused.exit_code, "reader of the case" in refused.stderr) == (1, True)
    settled = run("review", "adjudicate", case_id, "normal", "--reason", "Clear lens.", name="cleo")
    assert settled.stderr == "The case teaches normal.\n"
    assert cleo.review.agreement("eye").fleiss[0].cases == 1
    assert "all panels of 2" in run("review", "agreement", "eye").stdout
    measured = client_of(api, people["root"]).review.accuracy("eye")
    assert sorted(reader.accuracy for reader in measured) == [0, 1]
    assert "100%" in run("review", "accuracy", "eye", name="root").stdout
    assert run("review", "gold", case_id, name="root").stderr == "No gold case.\n"
    assert run("review", "readers", case_id, 3).exit_code == 1


def test_annotations_are_drawn_redrawn_and_carried_as_coco(
    api: Api, people: dict[str, Person], run: Run, tmp_path: Path
) -> None:
    anna, bert = client_of(api, people["anna"]), client_of(api, people["bert"])
    case_id = drawable(api, people["anna"])
    drawing = tmp_path / "drawing.json"
    drawing.write_text(json.dumps(DRAWING))
    drawn = run("review", "annotate", case_id, drawing)
    assert drawn.exit_code == 0, drawn.output
    first = anna.review.annotation(case_id, drawn.stdout.strip())
    again = anna.review.redraw(case_id, first, {"boxes": DRAWN["boxes"]})
    assert (again.revision, again.shape_count) == (2, 1)
    with pytest.raises(OutdatedError):
        anna.review.redraw(case_id, first, DRAWING)
    assert len(anna.review.annotation(case_id, first.annotation_id, 1).polygons) == 1
    exported = run("review", "export", case_id)
    file = tmp_path / "coco.json"
    file.write_text(exported.stdout)
    imported = run("review", "import", case_id, file, name="bert")
    assert imported.exit_code == 0, imported.output
    found = list(bert.review.annotations(case_id))
    assert [entry.annotation_id for entry in found] == [imported.stdout.strip(), first.annotation_id]
    assert bert.review.import_coco(case_id, bert.review.coco(case_id))[0].shape_count == 2
    for wrong in ("no json", "[]"):
        file.write_text(wrong)
        assert run("review", "import", case_id, file).exit_code == 1


def test_forms_and_feedback(api: Api, people: dict[str, Person], run: Run) -> None:
    anna = client_of(api, people["anna"])
    case_id = drawable(api, people["anna"])
    form = anna.cases.submit_form(case_id, FORM)
    changed = anna.cases.submit_form(case_id, {**FORM, "age": 60}, instead_of=form)
    assert anna.cases.form(case_id) == changed
    assert changed.form["age"] == 60
    with pytest.raises(OutdatedError):
        anna.cases.submit_form(case_id, FORM, instead_of=form)
    assert not anna.feedback.mine().given
    assert run("feedback", "give", 4, "Fast.").stderr == "Thank you.\n"
    mine = anna.feedback.mine().feedback
    assert mine is not None
    assert (mine.rating, mine.text) == (4, "Fast.")
    assert "Fast." in run("feedback", "list", name="root").stdout
    assert run("feedback", "reset", name="anna").exit_code == 1
    assert run("feedback", "reset", "--yes", name="root").stderr == "1 taken away.\n"
    assert list(client_of(api, people["root"]).feedback.all()) == []
