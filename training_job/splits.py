"""What belongs together in a folder of images: by patient, by lesion, by copies."""

from collections.abc import Iterable


def group_names(members: Iterable[tuple[str | None, str | None, str]]) -> list[str]:
    """The group of each image, given as (patient, lesion, image).

    Images are in one group if they share a patient or a lesion, directly or through other images: an
    image whose patient is not known stays with the others of its lesion. A group is named after its
    first patient, else its first lesion, else its image.
    """
    leader: dict[str, str] = {}

    def lead(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = name = leader[leader[name]]
        return name

    firsts: list[str] = []
    for patient, lesion, image in members:
        names = [f"1:{patient}"] * bool(patient) + [f"2:{lesion}"] * bool(lesion) + [f"3:{image}"]
        leaders = sorted(lead(name) for name in names)
        for name in leaders[1:]:
            leader[name] = leaders[0]
        firsts.append(names[0])
    kinds = {"1": "patient", "2": "lesion", "3": "image"}
    return [f"{kinds[name[0]]}{name[1:]}" for name in map(lead, firsts)]
