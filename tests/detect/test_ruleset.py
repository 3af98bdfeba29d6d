from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.detect import check_rules, default_rule_paths, load_rules
from sentinel.errors import RuleErrors, RuleProblem
from sentinel.model.rule import RemedyKind, Severity
from sentinel.model.settings import Knob
from sentinel.model.target import TargetKind
from sentinel.query.engine import Engine
from sentinel.remediate.formula import names_in
from tests.detect.rule_texts import CAUSE, SYMPTOM, small_pack, write_pack


def problems_of(folder: Path, engine: Engine | None = None) -> list[RuleProblem]:
    with pytest.raises(RuleErrors) as caught:
        load_rules([folder], engine=engine, names_in=names_in)
    return list(caught.value.problems)


def only_problem(folder: Path, engine: Engine | None = None) -> RuleProblem:
    (problem,) = problems_of(folder, engine)
    return problem


def where(problem: RuleProblem) -> tuple[int, int, str]:
    return problem.line, problem.column, problem.key


class TestLoading:
    def test_a_symptom_is_read_with_all_it_says(self, tmp_path: Path, engine: Engine) -> None:
        folder = small_pack(tmp_path)

        symptom = load_rules([folder], engine=engine, names_in=names_in).symptoms[0]

        assert symptom.id == "refused"
        assert symptom.severity is Severity.ERROR
        assert symptom.target is TargetKind.DEPLOYMENT
        assert (symptom.every, symptom.window) == (timedelta(seconds=10), timedelta(minutes=2))
        assert (symptom.hold, symptom.keep_firing) == (timedelta(seconds=30), timedelta(minutes=90))
        assert symptom.threshold == "Refused >= 5"
        assert str(symptom.place) == "symptoms/refused.yaml:1"

    def test_a_cause_is_read_with_its_ladder(self, tmp_path: Path, engine: Engine) -> None:
        folder = small_pack(tmp_path)

        cause = load_rules([folder], engine=engine, names_in=names_in).causes[0]

        assert cause.id == "capacity/few"
        assert cause.explains == ("refused",)
        assert [str(clause.place) for clause in cause.requires] == ["causes/capacity/few.yaml:4"]
        assert [remedy.kind for remedy in cause.remedies] == [RemedyKind.RAISE, RemedyKind.ESCALATE]
        assert cause.remedies[0].knob is Knob.MAX_REPLICAS
        assert cause.remedies[0].verify is not None
        assert cause.remedies[0].verify.within == timedelta(minutes=10)
        assert cause.remedies[1].advice == "ask for quota"

    def test_a_pace_multiplies_every_duration(self, tmp_path: Path) -> None:
        rules = load_rules([small_pack(tmp_path)], pace=0.1)

        symptom, verify = rules.symptoms[0], rules.causes[0].remedies[0].verify
        assert (symptom.every, symptom.window) == (timedelta(seconds=1), timedelta(seconds=12))
        assert (symptom.hold, symptom.keep_firing) == (timedelta(seconds=3), timedelta(minutes=9))
        assert verify is not None
        assert (verify.after, verify.within) == (timedelta(seconds=6), timedelta(minutes=1))

    def test_the_digest_changes_with_a_file_and_with_the_pace_only(self, tmp_path: Path) -> None:
        first = small_pack(tmp_path / "a")
        same = small_pack(tmp_path / "b")
        other = small_pack(tmp_path / "c", cause=CAUSE.replace("quota", "money"))

        digests = [load_rules([folder]).digest for folder in (first, same, other)]

        assert digests[0] == digests[1]
        assert digests[0] != digests[2]
        assert digests[0] != load_rules([first], pace=0.5).digest

    def test_a_single_file_can_be_named_and_a_case_file_means_its_rule(self, tmp_path: Path) -> None:
        folder = small_pack(tmp_path)

        by_file = load_rules([folder / "symptoms" / "refused.yaml"])
        by_cases = write_pack(folder, {"symptoms/refused.cases.yaml": "cases: []\n"})

        assert [s.id for s in by_file.symptoms] == ["refused"]
        assert load_rules([by_cases / "symptoms" / "refused.cases.yaml"]).symptoms == by_file.symptoms

    def test_the_rules_that_come_with_it_are_found(self) -> None:
        assert all(path.is_dir() for path in default_rule_paths())

    def test_files_outside_symptoms_and_causes_are_no_rules(self, tmp_path: Path) -> None:
        folder = write_pack(small_pack(tmp_path), {"not-observable.yaml": "anything: at all\n"})

        assert len(load_rules([folder]).symptoms) == 1


class TestStructure:
    def test_an_unknown_key_is_named_with_its_place_and_the_nearest_known_one(self, tmp_path: Path) -> None:
        folder = small_pack(tmp_path, symptom=SYMPTOM.replace("severity: error", "severty: error"))

        unknown, missing = problems_of(folder)

        assert where(unknown) == (2, 1, "severty")
        assert "did you mean 'severity'?" in unknown.message
        assert (missing.key, missing.message) == ("severity", "missing")

    def test_a_key_that_stands_twice_is_refused(self, tmp_path: Path) -> None:
        folder = small_pack(tmp_path, symptom=SYMPTOM + "title: again\n")

        problem = only_problem(folder)

        assert where(problem) == (15, 1, "title")
        assert "first in line 1" in problem.message

    @pytest.mark.parametrize(
        ("line", "key", "says"),
        [
            ("title: 503", "title", "text is expected, not a number"),
            ("title: true", "title", "not true or false"),
            ("title: [a]", "title", "not a list"),
            ("title: ''", "title", "empty"),
            ("every: fast", "every", "is not a duration such as 90s"),
            ("every: 0s", "every", "longer than nothing"),
            ("severity: eror", "severity", "did you mean 'error'?"),
            ("target: pod", "target", "known: cluster, deployment, job"),
        ],
    )
    def test_a_value_of_the_wrong_kind_is_told_at_the_value(
        self, tmp_path: Path, line: str, key: str, says: str
    ) -> None:
        lines = [line if old.startswith(f"{key}:") else old for old in SYMPTOM.splitlines()]
        folder = small_pack(tmp_path, symptom="\n".join(lines) + "\n")

        problem = only_problem(folder)

        assert (problem.line, problem.key) == (lines.index(line) + 1, key)
        assert problem.column == len(key) + 3
        assert says in problem.message

    def test_text_that_is_not_yaml_is_told_with_its_place(self, tmp_path: Path) -> None:
        folder = small_pack(tmp_path, symptom="title: a: b\n")

        problem = only_problem(folder)

        assert (problem.line, problem.column) == (1, 9)
        assert problem.message.startswith("not YAML")

    def test_aliases_are_refused(self, tmp_path: Path) -> None:
        folder = small_pack(
            tmp_path, symptom=SYMPTOM.replace("every: 10s", "every: &t 10s").replace("2m", "*t", 1)
        )

        assert "anchors and aliases" in only_problem(folder).message

    def test_all_problems_of_all_files_are_told_at_once(self, tmp_path: Path) -> None:
        folder = small_pack(
            tmp_path,
            symptom=SYMPTOM.replace("every: 10s", "every: soon").replace("title", "titel"),
            cause=CAUSE.replace("max_replicas\n", "max_replica\n").replace("says: at", "say: at"),
        )

        files = [Path(problem.file).name for problem in problems_of(folder)]

        assert files.count("refused.yaml") == 3
        assert files.count("few.yaml") == 3

    def test_an_id_can_be_taken_once(self, tmp_path: Path) -> None:
        first, second = small_pack(tmp_path / "a"), tmp_path / "b"
        write_pack(second, {"symptoms/refused.yaml": SYMPTOM})

        with pytest.raises(RuleErrors, match=r"the id 'refused' is taken by .*refused\.yaml"):
            load_rules([first, second])

    def test_a_path_without_rules_is_a_problem(self, tmp_path: Path) -> None:
        write_pack(tmp_path, {"symptom/refused.yaml": SYMPTOM})

        with pytest.raises(RuleErrors, match="no rule files"):
            load_rules([tmp_path])
        with pytest.raises(RuleErrors, match="no such file"):
            load_rules([tmp_path / "nowhere"])


class TestRemedies:
    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            ("raise: max_replicas", "raise: max_replica", "did you mean 'max_replicas'?"),
            ("{after: 60s, within: 10m}", "{after: 60s, within: 30s}", "must be later"),
            ("{after: 60s, within: 10m}", "{after: 60s}", "missing"),
            ("  - escalate: ask for quota\n", "", "the last remedy must be an escalate"),
            (
                "  - raise: max_replicas\n",
                "  - raise: max_replicas\n    lower: max_replicas\n",
                "exactly one of",
            ),
            ("ask for quota", "ask for quota\n    to: lower_by(1, 1, 1)", "nothing to compute"),
        ],
    )
    def test_a_rung_that_makes_no_sense_is_refused(
        self, tmp_path: Path, old: str, new: str, says: str
    ) -> None:
        folder = small_pack(tmp_path, cause=CAUSE.replace(old, new))

        assert says in only_problem(folder).message

    @pytest.mark.parametrize(
        ("formula", "says"),
        [
            ("replica_for(rps, seconds, 1, 1)", "replica_for is not one of"),
            ("replicas_for(rps, seconds)", "missing a required argument"),
            ("replicas_for(rsp, seconds, 70, 1)", "no fact is called 'rsp'; did you mean 'rps'?"),
        ],
    )
    def test_a_formula_names_known_functions_and_known_numbers(
        self, tmp_path: Path, engine: Engine, formula: str, says: str
    ) -> None:
        cause = CAUSE.replace("replicas_for(rps, seconds, target_utilization, max_concurrency)", formula)

        problem = only_problem(small_pack(tmp_path, cause=cause), engine)

        assert (problem.line, problem.key) == (15, "to")
        assert says in problem.message


class TestNames:
    def test_an_unknown_symptom_is_told_with_the_nearest_known_one(self, tmp_path: Path) -> None:
        folder = small_pack(tmp_path, cause=CAUSE.replace("[refused]", "[refuse]"))

        problem = only_problem(folder)

        assert where(problem) == (2, 12, "explains")
        assert "did you mean 'refused'?" in problem.message

    def test_a_cause_explains_symptoms_of_one_kind_of_target(self, tmp_path: Path) -> None:
        jobs = SYMPTOM.replace("target: deployment", "target: job")
        folder = small_pack(tmp_path, cause=CAUSE.replace("[refused]", "[refused, failed]"))
        write_pack(folder, {"symptoms/failed.yaml": jobs})

        assert "explain one kind of target" in only_problem(folder).message

    def test_a_symptom_with_problems_is_not_told_again_as_unknown(self, tmp_path: Path) -> None:
        folder = small_pack(tmp_path, symptom=SYMPTOM.replace("every: 10s", "every: soon"))

        assert only_problem(folder).key == "every"

    @pytest.mark.parametrize(
        ("sentence", "says"),
        [
            ("{rsp:.1f}", "no fact is called 'rsp'; did you mean 'rps'?"),
            ("{rps.real}", "not a plain name"),
            ("{rps!r}", "conversions are not taken"),
            ("{rps:999999999}", "the format is not one"),
        ],
    )
    def test_a_sentence_takes_plain_names_of_facts(
        self, tmp_path: Path, engine: Engine, sentence: str, says: str
    ) -> None:
        folder = small_pack(tmp_path, cause=CAUSE.replace("{rps:.1f}", sentence))

        problem = only_problem(folder, engine)

        assert (problem.line, problem.key) == (12, "because")
        assert says in problem.message


class TestQueries:
    def test_an_unknown_column_is_told_at_its_line_of_the_file(self, tmp_path: Path, engine: Engine) -> None:
        folder = small_pack(
            tmp_path, symptom=SYMPTOM.replace("countif(ResponseCode ==", "countif(ResponsCode ==")
        )

        problem = only_problem(folder, engine)

        assert where(problem) == (11, 53, "query")
        assert "ResponsCode" in problem.message

    def test_an_unknown_column_in_a_one_line_query_is_told_at_its_column(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        folder = small_pack(tmp_path, cause=CAUSE.replace("where Name ==", "where Nme =="))

        problem = only_problem(folder, engine)

        assert where(problem) == (10, 46, "excludes.query")

    def test_threshold_measure_and_sample_are_bound_over_the_columns(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        text = SYMPTOM.replace("when: Refused >=", "when: Refusd >=")
        text = text.replace("sample: Requests", "sample: EndpointName")
        folder = small_pack(tmp_path, symptom=text.replace("measure: todouble(Refused)", "measure: (Reqs)"))

        keys = {problem.key: where(problem) for problem in problems_of(folder, engine)}

        assert keys == {"when": (12, 7, "when"), "measure": (13, 11, "measure"), "sample": (14, 9, "sample")}

    def test_are_checked_in_a_file_with_other_problems(self, tmp_path: Path, engine: Engine) -> None:
        symptom = SYMPTOM.replace("severity: error", "severity: loud")
        symptom = symptom.replace("ResponseCode ==", "Code ==")
        cause = CAUSE.replace("within: 10m}", "within: soon}").replace("replicas_for(", "replicas_fro(")
        cause = cause.replace("title: Too few replicas\n", "").replace("Replicas >= Max", "Replica >= Max")

        problems = problems_of(small_pack(tmp_path, symptom=symptom, cause=cause), engine)

        assert sorted(problem.key for problem in problems if "symptoms" in problem.file) == [
            "query",
            "severity",
        ]
        assert sorted(problem.key for problem in problems if "causes" in problem.file) == [
            "requires.query",
            "title",
            "to",
            "within",
        ]

    def test_a_formula_is_read_even_where_the_facts_are_not(self, tmp_path: Path, engine: Engine) -> None:
        cause = CAUSE.replace("facts: print rps", "facts: prnt rps").replace("replicas_for(", "replicas_fro(")

        problems = problems_of(small_pack(tmp_path, cause=cause), engine)

        assert sorted(problem.key for problem in problems) == ["facts", "to"]

    def test_a_threshold_is_true_or_false(self, tmp_path: Path, engine: Engine) -> None:
        folder = small_pack(tmp_path, symptom=SYMPTOM.replace("when: Refused >= 5", "when: Refused"))

        assert "true or false is expected, not long" in only_problem(folder, engine).message

    def test_rows_must_name_the_target(self, tmp_path: Path, engine: Engine) -> None:
        folder = small_pack(
            tmp_path, symptom=SYMPTOM.replace(" by EndpointName, DeploymentName", " by EndpointName")
        )

        assert "need the string column 'DeploymentName'" in only_problem(folder, engine).message

    def test_a_parameter_of_another_kind_of_target_is_unknown(self, tmp_path: Path, engine: Engine) -> None:
        folder = small_pack(tmp_path, cause=CAUSE.replace("== endpoint", "== job"))

        problem = only_problem(folder, engine)

        assert (problem.line, problem.key) == (7, "requires.query")


class TestChecking:
    def test_a_rule_without_cases_is_a_problem(self, tmp_path: Path) -> None:
        problems = check_rules([small_pack(tmp_path)])

        assert [problem.message.split(":")[0] for problem in problems] == ["no cases beside it"] * 2

    def test_a_rule_needs_a_case_that_fires_and_one_that_stays_quiet(self, tmp_path: Path) -> None:
        folder = small_pack(tmp_path)
        quiet = "cases:\n  - {case: nothing, when: 1m, expect: []}\n"
        fires = "cases:\n  - {case: all, when: 1m, expect: explains}\n"
        write_pack(folder, {"symptoms/refused.cases.yaml": quiet, "causes/capacity/few.cases.yaml": fires})

        messages = [problem.message for problem in check_rules([folder])]

        assert messages == [
            "there is no case in which the rule stays quiet",
            "there is no case in which the rule fires",
        ]

    def test_a_part_of_a_pack_is_checked_with_the_rest_in_mind(self, tmp_path: Path, engine: Engine) -> None:
        folder = small_pack(tmp_path, symptom=SYMPTOM.replace("measure: todouble", "measure: toduble"))
        fires_or_not = (
            "cases:\n  - {case: a, when: 1m, expect: explains}\n  - {case: b, when: 1m, expect: not shown}\n"
        )
        write_pack(folder, {"causes/capacity/few.cases.yaml": fires_or_not})

        alone = check_rules([folder / "causes"], engine, names_in)
        whole = check_rules([folder], engine, names_in)

        assert alone == ()
        assert [problem.key for problem in whole if problem.key] == ["measure"]

    def test_a_cause_may_explain_a_symptom_that_comes_with_sentinel(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        cause = CAUSE.replace("[refused]", "[requests-refused]")
        folder = write_pack(tmp_path, {"causes/mine.yaml": cause})

        messages = [problem.message for problem in check_rules([folder], engine, names_in)]

        assert [message.split(":")[0] for message in messages] == ["no cases beside it"]
