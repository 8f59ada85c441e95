"""An old case with those of its images that came over."""

from collections.abc import Callable
from dataclasses import replace

from triagelens_client.migrate.records import OldCase, UnfitError

MOST_IMAGES_OF_A_CASE = 20


def with_images(case: OldCase, is_there: Callable[[str], bool]) -> OldCase:
    """The case with the images that are there, by their references, and the drawings on these.

    Raises:
        UnfitError: none is.
    """
    there = [place for place, ref in enumerate(case.images) if is_there(ref)][:MOST_IMAGES_OF_A_CASE]
    if not there:
        raise UnfitError("it has no image that could be taken over" if case.images else "it has no image")
    if len(there) == len(case.images):
        return case
    places = {old: new for new, old in enumerate(there)}
    drawings = [one for one in case.drawings if one.image_index in places]
    lost = len(case.drawings) - len(drawings)
    remarks = [f"{len(case.images) - len(there)} of its images did not come over"]
    if lost:
        remarks.append(f"{lost} annotations of images that did not come over were left out")
    return replace(
        case,
        images=tuple(case.images[place] for place in there),
        drawings=tuple(replace(one, image_index=places[one.image_index]) for one in drawings),
        remarks=(*case.remarks, *remarks),
    )
