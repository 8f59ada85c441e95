"""Explanations: kept in the images bucket, and asked for from the function that draws them."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from triagelens.adapters.s3 import read_object
from triagelens.domain.errors import ConflictError, NotFoundError, UnavailableError
from triagelens.domain.explanations import Explanation
from triagelens.services.explanations import Pictures

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client


class NotExplainableError(ConflictError):
    """The finding cannot be explained; the message says why."""

    code = "not_explainable"


class S3Gallery:
    """`services.explanations.Gallery`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def find(self, key: str) -> Explanation | None:
        try:
            return Explanation.model_validate_json(read_object(self._client, Bucket=self._bucket, Key=key))
        except NotFoundError:
            return None

    def keep(self, key: str, explanation: Explanation, pictures: Pictures) -> None:
        self._put(explanation.heatmap_key, pictures.heatmap, "image/png")
        self._put(explanation.overlay_key, pictures.overlay, "image/jpeg")
        self._put(key, explanation.model_dump_json().encode(), "application/json")

    def _put(self, key: str, data: bytes, content_type: str) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)


class LambdaExplainer:
    """`services.explanations.Explainer`: asks the function and waits for it."""

    def __init__(self, client: "LambdaClient", function_name: str) -> None:
        self._client = client
        self._function_name = function_name

    def explain(self, image_id: str, label: str) -> Explanation:
        """Raises:
        NotExplainableError: the function says why not.
        UnavailableError: it did not answer.
        """
        asked = json.dumps({"image_id": image_id, "label": label}).encode()
        unavailable = UnavailableError("The explanation did not come in time; ask again.", retry_after_s=5)
        try:
            answer = self._client.invoke(FunctionName=self._function_name, Payload=asked)
        except (BotoCoreError, ClientError) as error:
            raise unavailable from error
        if "FunctionError" in answer:
            raise unavailable
        said = json.loads(answer["Payload"].read())
        if "problem" in said:
            raise NotExplainableError(said["problem"])
        return Explanation.model_validate(said)
