"""What tells, without reading them, that rule files changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from sentinel.detect.definitions import SUFFIX, find_definition_files
from sentinel.detect.ruleset import CASES_SUFFIX


def rule_stamps(paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """When each rule and definition file under some files and folders was last changed, in nanoseconds, and its size.

    Cases are left out: they say how rules are tested, not what is looked for. What is not there has no stamp.
    """
    paths = tuple(paths)
    found = {}
    for path in (*_rule_files(paths), *find_definition_files(paths)):
        with suppress(FileNotFoundError):
            told = path.stat()
            found[path.resolve()] = (told.st_mtime_ns, told.st_size)
    return found


def _rule_files(paths: Iterable[Path]) -> Iterator[Path]:
    for given in paths:
        if not given.is_dir():
            yield given
            continue
        for folder, _, names in os.walk(given):
            for name in names:
                if name.endswith((".yaml", SUFFIX)) and not name.endswith(CASES_SUFFIX):
                    yield Path(folder, name)
