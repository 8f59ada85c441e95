"""What is made of a page's text before it is a page."""

import pytest

from docs.making.hooks import as_page, readme_section, with_links_to_decisions


def test_a_section_of_the_readme_is_taken_whole_with_links_that_lead_somewhere() -> None:
    section = readme_section("deploy-it")
    assert "make deploy STAGE=dev" in section
    assert "](docs/" not in section
    assert "## " not in section


def test_a_section_that_is_not_there_is_told() -> None:
    with pytest.raises(LookupError, match="no-such"):
        readme_section("no-such")


def test_links_are_those_of_a_page() -> None:
    assert as_page("[a](docs/a.md#b) [c](CHANGELOG.md)") == "[a](a.md#b) [c](changelog.md)"


def test_decisions_that_a_sentence_names_are_linked() -> None:
    text = with_links_to_decisions("See ADR 41 and 50; decisions 85 to 87.")
    assert "ADR [41](adr/0041-sign-up-tells-nothing.md) and [50](adr/0050-" in text
    assert "decisions [85](adr/0085-" in text
    assert " to [87](adr/0087-" in text


@pytest.mark.parametrize(
    "text", ["[ADR 41](adr/0041-sign-up-tells-nothing.md)", "ADR 9999", "[decisions 1 to 3](adr/README.md)"]
)
def test_what_is_linked_already_or_is_none_stays_as_it_is(text: str) -> None:
    assert with_links_to_decisions(text) == text
