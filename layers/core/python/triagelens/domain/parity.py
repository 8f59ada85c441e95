"""`parity.json`: inputs, and what the exported model answered to them where it was made.

Whoever registers the model asks it the same again, so that a file which answers otherwise here than it
did there is refused, whatever its digest says.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_CASES = 64
LOOSEST_TOLERANCE = 0.2  # int8: values on the edge of two steps fall to either, as the processor rounds


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeededInput(_Part):
    """An input that both sides make: `numpy.random.default_rng(seed).standard_normal(shape)` as the
    manifest's dtype.

    Attributes:
        shape: of one image, without the batch: (channels, height, width), or as the layout has it.
    """

    seed: int = Field(ge=0)
    shape: tuple[int, int, int]


Pixels = Annotated[list[float], Field(min_length=1)]


class Parity(_Part):
    """The file's content.

    Attributes:
        inputs: one image each: a seed, or its values after preprocessing, flat, row by row.
        outputs: raw values of the manifest's output for each input, before softmax or temperature.
        tolerance: largest absolute difference of a value; the leading label has to be equal besides.
    """

    inputs: list[SeededInput | Pixels] = Field(min_length=1, max_length=MOST_CASES)
    outputs: list[Annotated[list[float], Field(min_length=1)]]
    tolerance: float = Field(default=1e-4, gt=0, le=LOOSEST_TOLERANCE, allow_inf_nan=False)

    @model_validator(mode="after")
    def _each_input_has_its_output(self) -> Self:
        if len(self.inputs) != len(self.outputs):
            raise ValueError("each input needs its output, and each output its input")
        return self
