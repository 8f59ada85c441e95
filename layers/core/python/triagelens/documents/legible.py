"""Text that the report's fonts can show, whatever people have typed.

PDF/UA allows no text without glyphs, so that one character which no font has would be no report at all.
"""

import re
import unicodedata
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import uharfbuzz

FONTS = [str(files(package)) for package in ("manimgx_fonts", "manimgx_fonts_cjk")]

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Joiners decide how letters of Arabic, Persian and Indic scripts are joined. All else of their category goes:
# what turns the direction of writing would turn what stands beside it, too.
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_LINES = "\n\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"
_EUROPEAN = ("LATIN", "GREEK", "CYRILLIC")
_ACCENTS = "".join(map(chr, range(0x0300, 0x0370)))
_SKIN_TONES = "".join(map(chr, range(0x1F3FB, 0x1F400)))
_SOUND_MARKS = "\uff9e\uff9f"  # of half-width katakana: letters by category, marks by their use
_NONE: frozenset[int] = frozenset()
# After so many letters without a space a line may end anywhere, in scripts that are broken at spaces only.
_UNBROKEN = 30
_LETTER = "[!-~\u00c0-\u02af\u0370-\u0482\u048a-\u058f]"
_ENDLESS = re.compile(f"(?<={_LETTER}{{{_UNBROKEN}}})(?={_LETTER})")


def legible(text: str) -> str:
    """The text in Unicode's composed form, with a replacement for each letter that no font of the layer has.

    Marks that are not of their letter's script, or that no font has together with it, are left out, and so
    are control characters.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(_shown(unicodedata.normalize("NFC", text)))
    return _ENDLESS.sub("\N{ZERO WIDTH SPACE}", text)


def runs_right_to_left(line: str) -> bool:
    """Whether its first letter that has a direction runs from right to left (UAX 9, rule P2)."""
    directions = map(unicodedata.bidirectional, line)
    return next((found for found in directions if found in ("L", "R", "AL")), "L") != "L"


def _shown(text: str) -> list[str]:
    """Character by character; `able` are the fonts that have the latest letter and all marks on it."""
    shown: list[str] = []
    script, able, joiner = "", _NONE, ""
    for character in text:
        category = unicodedata.category(character)
        if character in _JOINERS:
            joiner = character
            continue
        if category == "Cf" or character in _SKIN_TONES:
            continue
        if character in _LINES or category == "Cc":
            shown.append("\n" if character in _LINES else " ")
            script, able = "", _NONE
        elif category.startswith("M") or character in _SOUND_MARKS:
            both = able & _fonts_with(ord(character))
            if both and _belongs(character, script):
                shown.append(character)
                able = both
        else:
            joined = joiner and able and _script(character) == script
            script, able = _script(character), _fonts_with(ord(character))
            shown.append((joiner if joined else "") + (character if able else REPLACEMENT))
        joiner = ""
    return shown


def _script(character: str) -> str:
    """The first word of the character's name: that of its script, if it is a letter or a mark."""
    return unicodedata.name(character, "").partition(" ")[0]


def _belongs(mark: str, script: str) -> bool:
    """Whether a mark is one that goes with letters of a script."""
    return script in _EUROPEAN if mark in _ACCENTS else _script(mark) == script


@lru_cache(maxsize=4096)
def _fonts_with(code_point: int) -> frozenset[int]:
    return frozenset(number for number, points in enumerate(_fonts()) if code_point in points)


@lru_cache
def _fonts() -> tuple[frozenset[int], ...]:
    """The code points of each font."""
    paths = (path for folder in FONTS for path in sorted(Path(folder).rglob("*.tt[fc]")))
    return tuple(
        frozenset(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path))).unicodes) for path in paths
    )
