"""Statistics: their counters, and who may see them."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.deps.access import Allowed
from clinic_api.settings import settings
from triagelens.adapters.dynamodb.tally import DynamoTally
from triagelens.domain.people import Action, Person
from triagelens.services.counting import Figures, Tally


@lru_cache
def tally() -> Tally:
    conf = settings()
    return DynamoTally(conf.casework_table, conf.aws_region)


def figures(tally: Annotated[Tally, Depends(tally)]) -> Figures:
    return Figures(tally)


FiguresCase = Annotated[Figures, Depends(figures)]
StatisticsReader = Annotated[Person, Depends(Allowed(Action.SEE_STATISTICS))]
