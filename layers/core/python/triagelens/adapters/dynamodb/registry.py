"""Models, production pointers and imports in the registry table."""

import re
from typing import Any

from pynamodb.exceptions import PutError

from triagelens.adapters.dynamodb.tables import RegistryItem, bind, transaction_connection
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from triagelens.domain.imports import ModelImport
from triagelens.domain.models import ModelStatus, ProductionPointer, RegisteredModel
from triagelens.services.ports import Page

PRODUCTION = "PRODUCTION"
MODEL = "MODEL#"
META = "META"
MOVED = "Somebody else changed the production model at the same time."
CHANGED = "Somebody else changed this model at the same time."
_VERSION = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def specialty_pk(specialty: str) -> str:
    return f"SPEC#{specialty}"


def import_pk(import_id: str) -> str:
    return f"IMPORT#{import_id}"


class DynamoRegistry:
    """`services.registry_ports.Registry` on DynamoDB.

    A pointer's revision is its item's version: the write that names the wrong one fails.
    """

    def __init__(self, table_name: str, region: str) -> None:
        bind(RegistryItem, table_name, region)
        self._connection = transaction_connection(region)

    def model(self, specialty: str, version: str) -> RegisteredModel:
        return _model(_item(specialty_pk(specialty), f"{MODEL}{version}", "There is no such model."))

    def models_of(self, specialty: str, limit: int, cursor: str | None) -> Page[RegisteredModel]:
        start = None
        if cursor is not None:
            if _VERSION.fullmatch(cursor) is None:
                raise InvalidRequestError("The cursor is not one that this list gave out.")
            start = {"pk": {"S": specialty_pk(specialty)}, "sk": {"S": f"{MODEL}{cursor}"}}
        found = RegistryItem.query(
            specialty_pk(specialty),
            RegistryItem.sk.startswith(MODEL),
            limit=limit,
            page_size=limit,
            last_evaluated_key=start,
        )
        items = [_model(item) for item in found]
        more = found.last_evaluated_key is not None
        return Page(items=items, cursor=items[-1].version if more and items else None)

    def add_model(self, model: RegisteredModel) -> RegisteredModel:
        pk, sk = specialty_pk(model.specialty), f"{MODEL}{model.version}"
        item = _model_item(model.model_copy(update={"lock": None}))
        try:
            stored = RegistryItem.get(pk, sk, consistent_read=True)
        except RegistryItem.DoesNotExist:
            stored = None
        taken = f"Version {model.version} of {model.specialty} is registered already."
        if stored is not None:
            if _model(stored).status is not ModelStatus.REFUSED:
                raise ConflictError(taken)
            item.version = stored.version
        _save(item, taken)
        return model

    def production(self, specialty: str) -> ProductionPointer | None:
        try:
            item = RegistryItem.get(specialty_pk(specialty), PRODUCTION, consistent_read=True)
        except RegistryItem.DoesNotExist:
            return None
        return ProductionPointer.model_validate(item.body)

    def point(self, pointer: ProductionPointer, decided: RegisteredModel | None = None) -> None:
        item = RegistryItem(
            specialty_pk(pointer.specialty),
            PRODUCTION,
            kind="production",
            body=pointer.model_dump(mode="json"),
            version=pointer.revision - 1 or None,
        )
        if decided is None:
            _save(item, MOVED)
            return
        parts = Parts()
        parts.put(item, ConflictError(MOVED))
        parts.put(_model_item(decided), ConflictError(CHANGED))
        parts.write(self._connection)

    def replace_model(self, model: RegisteredModel, pointer: ProductionPointer | None) -> None:
        parts = Parts()
        unmoved = RegistryItem.pk.does_not_exist()
        if pointer is not None:
            unmoved = RegistryItem.version == pointer.revision
        parts.check(
            RegistryItem, specialty_pk(model.specialty), PRODUCTION, unmoved, otherwise=ConflictError(MOVED)
        )
        parts.put(_model_item(model), ConflictError(CHANGED))
        parts.write(self._connection)

    def add_import(self, announced: ModelImport) -> ModelImport:
        return self.replace_import(announced)

    def model_import(self, import_id: str) -> ModelImport:
        item = _item(import_pk(import_id), META, "There is no such import.")
        document: dict[str, Any] = item.body
        return ModelImport.model_validate({**document, "lock": item.version})

    def replace_import(self, announced: ModelImport) -> ModelImport:
        item = RegistryItem(
            import_pk(announced.import_id),
            META,
            kind="import",
            body=announced.model_dump(mode="json", exclude={"lock"}),
            version=announced.lock,
        )
        _save(item, "The import has changed since it was read.")
        return announced.model_copy(update={"lock": item.version})


def _item(pk: str, sk: str, missing: str) -> RegistryItem:
    try:
        return RegistryItem.get(pk, sk, consistent_read=True)
    except RegistryItem.DoesNotExist:
        raise NotFoundError(missing) from None


def _model(item: RegistryItem) -> RegisteredModel:
    document: dict[str, Any] = item.body
    return RegisteredModel.model_validate({**document, "lock": item.version})


def _model_item(model: RegisteredModel) -> RegistryItem:
    return RegistryItem(
        specialty_pk(model.specialty),
        f"{MODEL}{model.version}",
        kind="model",
        body=model.model_dump(mode="json", exclude={"lock"}),
        version=model.lock,
    )


def _save(item: RegistryItem, conflict: str) -> None:
    try:
        item.save()
    except PutError as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
            raise ConflictError(conflict) from error
        raise
