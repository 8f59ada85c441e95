"""Keys and indexes of the five tables, as PynamoDB models.

A record is stored as one JSON document (`body`) beside the attributes that DynamoDB itself needs: keys,
index keys, lock version and lifetime. What a record holds is the domain's business; what can be asked
for is decided here and in the stack, and a test holds the two together.
"""

from typing import Any

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, VersionAttribute
from pynamodb.connection import Connection
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model


class LockVersion(VersionAttribute):
    """The version that a record was read at; None, or nothing at all, for a new one."""

    def __set__(self, instance: Any, value: float | None) -> None:
        if value is not None:
            super().__set__(instance, value)  # type: ignore[no-untyped-call]  # PynamoDB has no types here


class Gsi1(GlobalSecondaryIndex[Any]):
    """First index: of whom (owner, role, actor)."""

    class Meta:
        index_name = "gsi1"
        projection = AllProjection()

    gsi1pk = UnicodeAttribute(hash_key=True)
    gsi1sk = UnicodeAttribute(range_key=True)


class Gsi2(GlobalSecondaryIndex[Any]):
    """Second index: by status and month, or by subject."""

    class Meta:
        index_name = "gsi2"
        projection = AllProjection()

    gsi2pk = UnicodeAttribute(hash_key=True)
    gsi2sk = UnicodeAttribute(range_key=True)


class Gsi3(GlobalSecondaryIndex[Any]):
    """Third index: of which patient."""

    class Meta:
        index_name = "gsi3"
        projection = AllProjection()

    gsi3pk = UnicodeAttribute(hash_key=True)
    gsi3sk = UnicodeAttribute(range_key=True)


class Item(Model):
    """What every item has: its keys, what kind of record it holds, and the record itself."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    kind = UnicodeAttribute()
    body = JSONAttribute()


class CaseworkItem(Item):
    """Images, results, cases, patients, review items, counters."""

    class Meta:
        table_name: str | None = None
        region: str | None = None

    status = UnicodeAttribute(null=True)
    counter = NumberAttribute(null=True)  # of items that count: DynamoDB adds to it
    version = LockVersion()
    gsi1pk = UnicodeAttribute(null=True)
    gsi1sk = UnicodeAttribute(null=True)
    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    gsi3pk = UnicodeAttribute(null=True)
    gsi3sk = UnicodeAttribute(null=True)
    gsi1 = Gsi1()
    gsi2 = Gsi2()
    gsi3 = Gsi3()


class RegistryItem(Item):
    """Models, production pointers, imports, training jobs, dataset snapshots."""

    class Meta:
        table_name: str | None = None
        region: str | None = None

    version = LockVersion()


class UsersItem(Item):
    """Persons' records."""

    class Meta:
        table_name: str | None = None
        region: str | None = None

    version = LockVersion()
    gsi1pk = UnicodeAttribute(null=True)
    gsi1sk = UnicodeAttribute(null=True)
    gsi1 = Gsi1()


class AuditItem(Item):
    """Audit entries: written once, never changed."""

    class Meta:
        table_name: str | None = None
        region: str | None = None

    gsi1pk = UnicodeAttribute(null=True)
    gsi1sk = UnicodeAttribute(null=True)
    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    gsi1 = Gsi1()
    gsi2 = Gsi2()


class EphemeralItem(Item):
    """What may be forgotten: idempotency keys, attempts, places in the waiting room."""

    class Meta:
        table_name: str | None = None
        region: str | None = None

    tries = NumberAttribute(null=True)
    open_at = NumberAttribute(null=True)  # epoch seconds: when the next try may be
    expires_at = NumberAttribute()  # epoch seconds; DynamoDB deletes some time after it


def bind(item: type[Item], table_name: str, region: str) -> None:
    """Says which table an item class lives in. Once per process, before its first use."""
    item.Meta.table_name = table_name
    item.Meta.region = region


def transaction_connection(region: str) -> Connection:
    """A connection for `TransactWrite`, which may span tables."""
    return Connection(region=region)
