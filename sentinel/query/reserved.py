"""Words that are names only in brackets, as in `['first']`, because KQL uses them itself.

They are the words Microsoft's parser refuses as names; a test compares.
"""

from __future__ import annotations

from typing import Final

_EVERYWHERE: Final = """
and anomalychart areachart asc bagexpansion barchart between boolean byte cachingpolicy callout cancel card
char columnchart contains_cs containscs cycles dataexport datascope date datetime decimal decodeblocks desc
double dynamic encodingpolicy endswith endswith_cs expandoutput extent_tags_retention external_data first
flags float force_remote harddelete hardretention has_all has_any has_cs hasprefix hasprefix_cs hassuffix
hassuffix_cs hotcache int isfuzzy journal ladderchart last like likecs linechart long missing nooptimization
notcontains notcontainscs notlike notlikecs or others pathformat piechart pivotchart project queries
query_results real relaxed restricted_view_access row_level_security rowstore rowstore_references
rowstore_sealinfo rowstorepolicy rowstores scatterchart seal seals shards simple softdelete softretention
stackedareachart startswith startswith_cs statistics storedqueryresultcontainers string tablepurge time
timechart timeline timepivot timespan treemap uint ulong union uniqueid unrestrictedviewers views
with_itemindex with_match_id with_step_name writeaheadlog
"""
_IN_USE: Final = """
accumulate as by contains datatable earliest externaldata find has in invoke latest materialize mdm of print
sample search set sql title to toscalar totable verbose viewers where
"""

RESERVED_NAMES: Final = frozenset(_EVERYWHERE.split())
"""Never the name of a new column, whatever gives it."""

RESERVED_IN_USE: Final = RESERVED_NAMES | frozenset(_IN_USE.split())
"""Never a name by which something is looked up."""
