"""The audit trail in its own table."""

from triagelens.adapters.dynamodb.tables import AuditItem, bind
from triagelens.domain.audit import AuditEntry


class DynamoAuditTrail:
    """`services.identity_ports.AuditTrail`: entries are added, and never touched again."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(AuditItem, table_name, region)

    def append(self, entry: AuditEntry) -> None:
        item = AuditItem(
            f"DAY#{entry.at:%Y-%m-%d}",
            entry.entry_id,
            kind="audit",
            body=entry.model_dump(mode="json"),
            gsi1pk=f"ACTOR#{entry.actor}",
            gsi1sk=entry.entry_id,
            gsi2pk=f"SUBJECT#{entry.subject}",
            gsi2sk=entry.entry_id,
        )
        item.save(condition=AuditItem.pk.does_not_exist())
