"""Rule files on disk to a `RuleSet`, or everything that is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sentinel.detect.bind import NamesIn, bind_cause, bind_symptom
from sentinel.detect.case_file import decode_cases
from sentinel.detect.decode import CauseFile, SymptomFile, decode_cause, decode_symptom
from sentinel.detect.definitions import Definitions, find_definition_files, read_definitions
from sentinel.detect.yaml_places import Document
from sentinel.errors import RuleErrors, RuleProblem
from sentinel.model.rule import RuleSet

if TYPE_CHECKING:
    from sentinel.query.engine import Engine

SYMPTOMS: Final = "symptoms"
CAUSES: Final = "causes"
CASES_SUFFIX: Final = ".cases.yaml"


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file: where it lies and the rule it holds by its path."""

    path: Path
    folder: str
    """`symptoms` or `causes`."""
    id: str

    @property
    def shown(self) -> str:
        """The path from the folder on, the same wherever the rules are installed."""
        return f"{self.folder}/{self.id}{self.path.suffix}"

    @property
    def pack(self) -> Path:
        """The folder that holds the symptoms, the causes and what they share."""
        return self.path.resolve().parents[self.id.count("/") + 1]

    @property
    def cases(self) -> Path:
        """The case file that belongs beside it."""
        return self.path.with_name(self.path.stem + CASES_SUFFIX)


@dataclass(slots=True)
class _Reading:
    """What was read so far, and in the end what was wrong with it."""

    symptoms: dict[str, SymptomFile]
    causes: dict[str, CauseFile]
    broken: set[str]
    """The symptoms whose target could not be read: causes that explain them are not to blame."""
    digest: str = ""
    problems: tuple[RuleProblem, ...] = ()

    def add(self, file: RuleFile, document: Document, pace: float, shared: Definitions) -> None:
        """Decode one file and keep its rule, unless its id is taken."""
        earlier = (self.symptoms if file.folder == SYMPTOMS else self.causes).get(file.id)
        if earlier is not None:
            document.problem(1, 1, "", f"the id {file.id!r} is taken by {earlier.document.file}")
        elif file.folder == CAUSES:
            cause = decode_cause(document, file.id, file.shown, pace, shared)
            if cause is not None:
                self.causes[file.id] = cause
        else:
            symptom = decode_symptom(document, file.id, file.shown, pace, shared)
            if symptom is not None:
                self.symptoms[file.id] = symptom
            if symptom is None or symptom.target is None:
                self.broken.add(file.id)

    def bind(
        self,
        engine: Engine | None,
        names_in: NamesIn | None,
        shared: Definitions,
        bound: Container[tuple[str, str]],
    ) -> None:
        """Check that queries (but not of `bound` rules), sentences and formulas fit the tables and each other."""
        for name, symptom in self.symptoms.items():
            if engine is not None and (SYMPTOMS, name) not in bound:
                bind_symptom(symptom, engine, shared)
        kinds = {name: rule.target for name, rule in self.symptoms.items() if rule.target is not None}
        for name, cause in self.causes.items():
            if self.broken.isdisjoint(text.value for text in cause.explains):
                bind_cause(cause, kinds, None if (CAUSES, name) in bound else engine, names_in, shared)


def default_rule_paths() -> tuple[Path, ...]:
    """The rules that come with Sentinel: those of the checkout it runs from, or those inside the wheel."""
    package = Path(str(resources.files("sentinel")))
    packed, checkout = package / "_pack" / "rules", package.parent / "rules"
    return (packed if packed.is_dir() else checkout,)


def find_rule_files(paths: Iterable[Path | str]) -> tuple[tuple[RuleFile, ...], tuple[RuleProblem, ...]]:
    """The rule files under some files and folders, by id, and the paths that hold none."""
    found: dict[Path, RuleFile] = {}
    problems: list[RuleProblem] = []
    for given in map(Path, paths):
        if given.is_dir():
            listed = sorted(p for p in given.rglob("*.yaml") if not p.name.endswith(CASES_SUFFIX))
            files = [file for file in map(_rule_file, listed) if file is not None]
            why = f"no rule files: none lies under a folder called {SYMPTOMS} or {CAUSES}"
        elif given.is_file():
            rule = given.with_name(given.name.removesuffix(CASES_SUFFIX) + ".yaml")
            file = _rule_file(rule if given.name.endswith(CASES_SUFFIX) else given)
            files = [file] if file is not None else []
            why = f"not a rule file: it lies under no folder called {SYMPTOMS} or {CAUSES}"
        else:
            files, why = [], "there is no such file or folder"
        if not files:
            problems.append(RuleProblem(str(given), 1, 1, "", why))
        for file in files:
            found.setdefault(file.path.resolve(), file)
    return tuple(sorted(found.values(), key=lambda file: (file.folder, file.id))), tuple(problems)


def _rule_file(path: Path) -> RuleFile | None:
    parts = path.resolve().parts[:-1]
    at = max((i for i, part in enumerate(parts) if part in (SYMPTOMS, CAUSES)), default=None)
    if at is None:
        return None
    return RuleFile(path, parts[at], "/".join([*parts[at + 1 :], path.stem]))


def load_rules(
    paths: Iterable[Path | str],
    *,
    engine: Engine | None = None,
    names_in: NamesIn | None = None,
    pace: float = 1.0,
    bound: Iterable[Path] = (),
) -> RuleSet:
    """The rules of some files and folders.

    With an `engine` the queries are bound against the tables, except those of the files in `bound`; with `names_in`
    (which reads a formula) the formulas are checked too. `pace` multiplies every duration: 1 in production, less in a
    demo.

    Raises:
        RuleErrors: Everything that is wrong, of all files at once.
    """
    paths = tuple(paths)
    files, problems = find_rule_files(paths)
    reading = _read(files, find_definition_files(paths), engine, names_in, pace, frozenset(bound))
    if problems or reading.problems:
        raise RuleErrors((*problems, *reading.problems))
    return RuleSet(
        tuple(
            symptom for _, file in sorted(reading.symptoms.items()) if (symptom := file.symptom) is not None
        ),
        tuple(cause for _, file in sorted(reading.causes.items()) if (cause := file.cause) is not None),
        reading.digest,
    )


def check_rules(
    paths: Iterable[Path | str],
    engine: Engine | None = None,
    names_in: NamesIn | None = None,
    *,
    with_rules: Iterable[Path | str] | None = None,
) -> tuple[RuleProblem, ...]:
    """Everything wrong with some rules and the cases beside them, in the order of files and lines.

    Every rule needs a case in which it fires and one in which it stays quiet. The rules may name the symptoms and
    definitions of their own pack and of `with_rules`, by default those that come with Sentinel; what is wrong with
    these is not told.
    """
    paths = tuple(paths)
    around = default_rule_paths() if with_rules is None else tuple(with_rules)
    wanted, problems = find_rule_files(paths)
    packs = tuple(dict.fromkeys(file.pack for file in wanted))
    files, _ = find_rule_files((*around, *packs))
    reading = _read(files, find_definition_files((*around, *packs)), engine, names_in, 1.0)
    asked = {os.path.relpath(path) for path in (*(f.path for f in wanted), *find_definition_files(packs))}
    of_rules = [problem for problem in reading.problems if problem.file in asked]
    of_cases = [problem for file in wanted for problem in _case_problems(file)]
    return (*problems, *sorted((*of_rules, *of_cases), key=lambda p: (p.file, p.line, p.column)))


def _case_problems(file: RuleFile) -> Sequence[RuleProblem]:
    name = os.path.relpath(file.cases)
    if not file.cases.is_file():
        message = (
            f"no cases beside it: write {file.cases.name} with a case that fires and one that stays quiet"
        )
        return [RuleProblem(os.path.relpath(file.path), 1, 1, "", message)]
    decoded = decode_cases(file.cases.read_text("utf-8"), name, of_cause=file.folder == CAUSES)
    if isinstance(decoded, tuple):
        return decoded
    missing = [
        word
        for word, there in (
            ("in which the rule fires", any(case.fires for case in decoded.cases)),
            ("in which the rule stays quiet", any(not case.fires for case in decoded.cases)),
        )
        if not there
    ]
    return [RuleProblem(name, 1, 1, "cases", f"there is no case {words}") for words in missing]


def _read(
    files: Sequence[RuleFile],
    definitions: Sequence[Path],
    engine: Engine | None,
    names_in: NamesIn | None,
    pace: float,
    bound: frozenset[Path] = frozenset(),
) -> _Reading:
    hashed = blake2b(f"pace {pace:g}\n".encode(), digest_size=8)
    texts = [(os.path.relpath(path), path.read_text("utf-8")) for path in definitions]
    shared, problems = read_definitions(texts)
    for path, (_, text) in zip(definitions, texts, strict=True):
        hashed.update(f"{path.name}\n{len(text)}\n{text}".encode())
    documents: list[Document] = []
    reading = _Reading({}, {}, set())
    for file in files:
        text, document = _document(file)
        documents.append(document)
        hashed.update(f"{file.shown}\n{len(text)}\n{text}".encode())
        reading.add(file, document, pace, shared)
    reading.bind(
        engine, names_in, shared, {(f.folder, f.id) for f in files if bound and f.path.resolve() in bound}
    )
    found = dict.fromkeys([*problems, *(p for document in documents for p in document.problems)])
    reading.problems = tuple(found)
    reading.digest = hashed.hexdigest()
    return reading


def _document(file: RuleFile) -> tuple[str, Document]:
    name = os.path.relpath(file.path)
    try:
        text = file.path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        document = Document(name, [])
        document.problem(1, 1, "", f"cannot be read: {error}")
        return "", document
    return text, Document.parse(name, text)
