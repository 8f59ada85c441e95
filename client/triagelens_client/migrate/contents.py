"""What an old file turns out to be, by its first bytes: a name says nothing about what is in it."""

from triagelens_client.files import Source
from triagelens_client.migrate.records import UnfitError


def image_in(data: bytes) -> Source:
    """The bytes, if they are an image.

    Raises:
        UnreadableFileError: they are none.
    """
    source = Source.of(data)
    _ = source.image_type
    return source


def pdf_in(data: bytes) -> Source:
    """The bytes, if they are a PDF.

    Raises:
        UnfitError: they are none.
    """
    if not data.startswith(b"%PDF-"):
        raise UnfitError("the file is no PDF")
    return Source(data, "report.pdf")
