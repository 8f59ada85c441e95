"""What explains findings."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.settings import settings
from triagelens.adapters.aws import lambda_client
from triagelens.adapters.explanations import LambdaExplainer
from triagelens.services.explanations import Explainer


@lru_cache
def explainer() -> Explainer:
    conf = settings()
    return LambdaExplainer(lambda_client(conf.aws_region), conf.explain_function)


ExplainerPort = Annotated[Explainer, Depends(explainer)]
