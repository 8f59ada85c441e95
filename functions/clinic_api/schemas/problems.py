"""Problem documents (RFC 9457): the one shape of every error."""

from pydantic import BaseModel, ConfigDict, Field


class FieldProblem(BaseModel):
    """What is wrong with one part of the request."""

    pointer: str | None = Field(
        default=None,
        description="JSON pointer into the body, as a URI fragment (RFC 6901)",
        examples=["#/size_bytes"],
    )
    parameter: str | None = Field(
        default=None, description="Name of the query parameter or header", examples=["limit"]
    )
    code: str = Field(description="Kind of the mistake", examples=["missing"])
    message: str = Field(description="The mistake in words", examples=["Field required"])


class ProblemDocument(BaseModel):
    """Body of every answer from 400 on, as `application/problem+json`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:triagelens:problem:not_found",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "There is no such image.",
                    "code": "not_found",
                    "correlation_id": "01k9qq3ztm5c2v8e6x4r1n7d0b",
                }
            ]
        }
    )

    type: str = Field(description="URN of the kind of problem; ends in `code`")
    title: str = Field(description="The HTTP status in words")
    status: int = Field(description="The HTTP status")
    detail: str = Field(description="What happened, fit for the person at the screen")
    code: str = Field(description="Stable name of the kind of problem, for programs")
    errors: list[FieldProblem] | None = Field(default=None, description="Each mistake in the request")
    challenge: str | None = Field(default=None, description="What a sign-in still needs")
    correlation_id: str = Field(description="Quote this when you report the problem")
