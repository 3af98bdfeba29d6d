"""How the columns of a telemetry table are laid out in SQLite.

`TimeGenerated` is in the row id and `Type` is the table's name, so neither is stored. Columns that say who sent a
record (endpoint, deployment, cluster, workspace, resource, ...) repeat from row to row: each combination of them
is stored once, as a row of `<table>_labels`. The others are cells of the row itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from sentinel.model.tables import CURRENT_STATE, Column, KqlType, Table, tables

TIME: Final = "TimeGenerated"
TYPE: Final = "Type"
EXTRA: Final = "_Extra"
INGESTED: Final = "_IngestionTime"
KEPT_APART: Final = frozenset({TIME, TYPE, EXTRA, INGESTED})

TRANSPORT: Final = frozenset({"TenantId", "_BilledSize", "_IsBillable", "SourceSystem", "_SubscriptionId"})
"""Columns that only some delivery paths fill: they are no part of a record's identity."""

_LABEL_NAMES: Final = """
    AadTenantId AllocationState AmlWorkspaceId AmlWorkspaceName AuthType AzureMLWorkspaceId AzureMLWorkspaceName
    Category ClusterId ClusterName ClusterResourceGroupName ClusterType Computer ContainerImageName ContainerName
    ControllerKind CounterName CreationApiVersion CustomerSubscriptionId DeploymentName DeviceType EndpointName
    EventType ExecutionState ExperimentId ExperimentName InternalOperationName KubeEventType Level Location LogLevel
    LogSource Method MetricName Namespace ObjectKind ObjectName Offer OperationName OperationVersion Origin Path
    PodNamespace Protocol ProvisioningState Publisher Resource ResourceGroup ResourceGroupName ResourceId
    ResourceProvider ResultSignature ResultType RunInContainer ScalingType Sku SourceComponent SourceSystem Status
    SubscriptionId TFParameterServerCount TFWorkerCount TargetResourceId TenantId TimeGrain ToolType UnitName
    UserAgent VmFamilyName VmPriority VmSize WorkspaceId WorkspaceName _IsBillable _ResourceId _SubscriptionId
    Reason ResponseCodeReason
"""
_LABELS: Final = frozenset(_LABEL_NAMES.split())

_INDEXED: Final = frozenset({"Message", "LogMessage", "JobErrorMessage"})

SQL_TYPES: Final[Mapping[KqlType, str]] = MappingProxyType(
    {
        KqlType.BOOL: "INTEGER",
        KqlType.INT: "INTEGER",
        KqlType.LONG: "INTEGER",
        KqlType.REAL: "REAL",
        KqlType.DECIMAL: "TEXT",
        KqlType.STRING: "TEXT",
        KqlType.DATETIME: "INTEGER",
        KqlType.TIMESPAN: "INTEGER",
        KqlType.DYNAMIC: "TEXT",
        KqlType.GUID: "TEXT",
    }
)


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each column of a table is stored.

    `labels` and `cells` are in the order in which a `Record` carries their values; of the cells, the first
    `telling` are part of a record's identity. `indexed` is the position in `cells` of the column with a full-text
    index, `None` if the table has none.
    """

    table: str
    labels: tuple[Column, ...]
    cells: tuple[Column, ...]
    telling: int
    indexed: int | None

    @property
    def labels_table(self) -> str:
        """The name of the SQLite table of label combinations."""
        return f"{self.table}_labels"

    @property
    def terms_table(self) -> str:
        """The name of the full-text index."""
        return f"{self.table}_terms"

    @property
    def indexed_column(self) -> Column | None:
        """The column with a full-text index."""
        return None if self.indexed is None else self.cells[self.indexed]


def layout_of(table: Table) -> Layout:
    """The layout of one table."""
    stored = [column for column in table.columns if column.name not in KEPT_APART]
    labels = tuple(c for c in stored if c.name in _LABELS and c.type is KqlType.STRING)
    cells = tuple(sorted((c for c in stored if c not in labels), key=lambda c: c.name in TRANSPORT))
    indexed = next((at for at, column in enumerate(cells) if column.name in _INDEXED), None)
    telling = sum(column.name not in TRANSPORT for column in cells)
    return Layout(table.name, labels, cells, telling, indexed)


@cache
def layouts() -> Mapping[str, Layout]:
    """The layouts of all tables that hold a row an event, by table name."""
    return MappingProxyType(
        {name: layout_of(table) for name, table in tables().items() if name not in CURRENT_STATE}
    )


def empty_value(column: Column) -> str | None:
    """What stands in a column no record filled: a KQL string is never null."""
    return "" if column.type is KqlType.STRING else None
