"""A report takes no orders from what people wrote."""

from collections.abc import Iterator
from typing import Any

import pypdf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.documents.test_report import document, read, render, shown, text_of
from triagelens.domain.report_document import Clinic, Fact, Remark, ShownLabel


def test_what_people_wrote_is_never_markup() -> None:
    orders = '#read("/etc/passwd") #strong[x] $x^2$ *b* _i_ \\ `code` <label> @ref // gone "quoted"'
    remark = Remark(who="#eval(1)", when="now", text=orders)
    text = text_of(render(document(title="#pagebreak()", remarks=(remark,))))
    for said in ("#pagebreak()", "#eval(1)", '#read("/etc/passwd")', "#strong[x]", "*b*", "// gone"):
        assert said in text
    assert "root:" not in text


ORDERS = st.lists(
    st.sampled_from(
        [
            *(
                '#read("/etc/passwd")',
                "#include",
                "#import",
                "#let x = 1",
                "#eval(",
                "#pagebreak()",
                "#image(",
                "#link(",
            ),
            *(
                "$",
                "*",
                "_",
                "`",
                "```",
                "<label>",
                "@ref",
                "//",
                "/*",
                "*/",
                "\\",
                "\\u{41}",
                "= Title",
                "- item",
                "~",
                "#",
            ),
            *(
                "<b>",
                "</b>",
                "<script>alert(1)</script>",
                "<img src=x onerror=alert(1)>",
                "&lt;",
                "&#65;",
                "<!--",
            ),
            *(
                "{{ 7*7 }}",
                "{% if %}",
                "${HOME}",
                "$(id)",
                "%s",
                "%n",
                "\\input{x}",
                '"',
                "'",
                "\\n",
                '"}],"title":"',
            ),
            *(
                "--",
                "...",
                "[",
                "]",
                "{",
                "}",
                "(",
                ")",
                "sys.inputs",
                "content.json",
                "JavaScript:",
                "/Launch",
            ),
        ]
    ),
    min_size=1,
    max_size=8,
).map(" ".join)


def bare(text: str) -> str:
    """Without spaces and breaks of lines, which depend on where a line ends."""
    return "".join(text.replace("\u200b", "").split())


@settings(max_examples=40)
@given(name=ORDERS, comment=ORDERS, label=ORDERS, clinic=ORDERS)
def test_orders_in_any_field_are_shown_and_not_followed(
    name: str, comment: str, label: str, clinic: str
) -> None:
    image = shown().model_copy(
        update={"caption": name, "labels": (ShownLabel(title=label, probability=0.5),), "facts": ()}
    )
    pdf = render(
        document(
            title=name,
            clinic=Clinic(name=clinic, address=comment),
            about=(Fact(name=label, value=comment),),
            patient=(Fact(name="Name", value=name),),
            images=(image,),
            remarks=(Remark(who=name, when="now", text=comment),),
            models=(Fact(name=label, value=clinic),),
        )
    )
    text, reader = bare(text_of(pdf)), read(pdf)
    for said in (name, comment, label, clinic):
        assert bare(said) in text
    assert "root:x:" not in text
    assert len(reader.pages) <= 2
    assert headings(reader) == ["H1", "H2", "H2", "H2", "H2", "H2", "H2"]
    root: Any = reader.trailer["/Root"]
    assert not {"/OpenAction", "/AA", "/AcroForm"} & set(root)
    assert not any("/Annots" in page for page in reader.pages), "no link that somebody has typed"
    assert not {"/JavaScript", "/EmbeddedFiles"} & set(root.get("/Names", {}))


def headings(reader: pypdf.PdfReader) -> list[str]:
    """Kinds of headings in the tree of tags, in their order."""

    def below(node: Any) -> Iterator[str]:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for child in node:
                yield from below(child)
        elif isinstance(node, dict):
            kind = str(node.get("/S", ""))
            if kind in ("/H1", "/H2", "/H3"):
                yield kind[1:]
            yield from below(node.get("/K", []))

    root: Any = reader.trailer["/Root"]
    return list(below(root["/StructTreeRoot"]))
