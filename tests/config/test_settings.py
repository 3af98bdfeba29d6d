from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.config import Config, Role, default_home
from sentinel.config.adapters import LocalAdapterSettings, SimulatedAdapterSettings
from sentinel.errors import ConfigError
from sentinel.model.plan import RunMode

FULL = """
mode = "review"
pace = 0.1
[modes.symptoms]
requests-refused = "autonomous"
[modes.targets]
"chat/blue" = "readonly"
[http]
host = "0.0.0.0"
port = 0
[[http.keys]]
name = "collector"
role = "ingest"
value_env = "COLLECTOR_KEY"
[rules]
paths = ["my-rules"]
[retention]
keep = "7d"
[limits]
cooldown = "1m30s"
per_hour = 3
[limits.bounds.max_replicas]
max = 40
[[adapters]]
kind = "local"
url = "http://127.0.0.1:9000"
[[adapters]]
kind = "simulated"
target = "chat/blue"
max_replicas = 3
[[channels]]
name = "ops"
kind = "alertmanager"
url = "http://127.0.0.1:9093/hook"
value_file = "keys/ops"
[[sources]]
path = "in"
[tracing]
exporter = "console"
[health]
stale_after = "5m"
[health.tables]
AmlComputeJobEvent = "1d"
[log]
format = "json"
"""


class TestDecoding:
    def test_a_missing_file_means_the_defaults(self, tmp_path: Path) -> None:
        assert Config.load(tmp_path) == Config()

    def test_by_default_nothing_is_changed_without_being_asked(self) -> None:
        assert Config().mode is RunMode.READONLY

    def test_every_section_is_read(self) -> None:
        config = Config.parse(FULL)

        assert config.mode is RunMode.REVIEW
        assert config.modes.symptoms == {"requests-refused": RunMode.AUTONOMOUS}
        assert config.modes.targets == {"chat/blue": RunMode.READONLY}
        assert config.http.keys[0].role is Role.INGEST
        assert config.limits.cooldown == timedelta(seconds=90)
        assert config.limits.bounds["max_replicas"].max == 40
        assert config.adapters == (
            LocalAdapterSettings(url="http://127.0.0.1:9000"),
            SimulatedAdapterSettings(target="chat/blue", max_replicas=3),
        )
        assert config.health.tables == {"AmlComputeJobEvent": timedelta(days=1)}

    def test_the_home_directory_is_where_xdg_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_DATA_HOME", "/data")

        assert default_home() == Path("/data/sentinel")


def problems_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Config.parse(text)
    return str(caught.value).splitlines()


class TestProblems:
    def test_an_unknown_key_names_the_nearest_known_one(self) -> None:
        assert problems_of("[http]\nprot = 1") == [
            "sentinel.toml: http.prot: unknown key; did you mean 'port'?"
        ]

    def test_an_unknown_key_like_no_other_lists_the_known_ones(self) -> None:
        assert problems_of("[retention]\nzzz = 1") == [
            "sentinel.toml: retention.zzz: unknown key; known here: keep"
        ]

    def test_a_wrong_type_says_what_is_expected(self) -> None:
        assert problems_of('[http]\nport = "many"') == [
            "sentinel.toml: http.port: expected a whole number, not 'many'"
        ]

    def test_true_is_not_a_number(self) -> None:
        assert problems_of("[http]\nport = true") == [
            "sentinel.toml: http.port: expected a whole number, not True"
        ]

    def test_a_duration_that_is_none_says_what_one_looks_like(self) -> None:
        assert "5m" in problems_of('[limits]\ncooldown = "soon"')[0]

    def test_a_name_that_is_no_choice_gets_the_nearest(self) -> None:
        assert problems_of('mode = "autonomus"')[0].endswith("did you mean 'autonomous'?")

    def test_an_entry_of_a_list_is_counted(self) -> None:
        text = (
            '[[http.keys]]\nname = "a"\nrole = "read"\nvalue = "x"\n[[http.keys]]\nname = "b"\nrole = "reed"'
        )

        assert problems_of(text)[0].startswith("sentinel.toml: http.keys[1].role: expected one of")

    def test_a_needed_key_is_asked_for(self) -> None:
        assert problems_of('[[channels]]\nname = "ops"') == ["sentinel.toml: channels[0].url: is needed here"]

    def test_an_adapter_of_no_known_kind_is_refused(self) -> None:
        assert problems_of('[[adapters]]\nkind = "remote"')[0].startswith(
            "sentinel.toml: adapters[0].kind: expected one of local, simulated"
        )

    def test_all_problems_are_told_at_once(self) -> None:
        assert len(problems_of('mode = 1\npace = "x"\n[http]\nprot = 1\n[retention]\nkeep = "?"')) == 4

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("pace = 0", "pace must be above 0"),
            ("[http]\nport = 70000", "0..65535"),
            ("[limits.bounds.max_replicas]\nmin = 5\nmax = 2", "min 5 is above max 2"),
            ("[limits.bounds.replicaz]\nmin = 5", "no knob"),
            ('[retention]\nkeep = "1h"', "at least 1d"),
            ('[modes.targets]\n"chat" = "review"', "a deployment is written endpoint/deployment, not 'chat'"),
            ('[modes.targets]\n"deployment:chat" = "review"', "is written deployment:endpoint/deployment"),
            ('[health.tables]\nAmlComputeJobEvnt = "1d"', "did you mean 'AmlComputeJobEvent'?"),
            ('[[http.keys]]\nname = "a"\nrole = "read"', "needs one of"),
            ('[[http.keys]]\nname = "a"\nrole = "read"\nvalue = "x"\nvalue_env = "X"', "give one of"),
            ('[[channels]]\nname = "a"\nurl = "ftp://x"', "http://"),
            ('[relax]\nwatch = "0s"', "watch and rest must be above 0"),
            ('[relax]\nlook_back = "1h"', "gap must be shorter than look_back"),
        ],
    )
    def test_values_that_make_no_sense_are_refused(self, text: str, says: str) -> None:
        assert says in problems_of(text)[0]

    def test_a_text_that_is_not_toml_names_the_line(self, tmp_path: Path) -> None:
        (tmp_path / "sentinel.toml").write_text("mode =\n")

        with pytest.raises(ConfigError, match=r"sentinel\.toml: not TOML: .*line 1"):
            Config.load(tmp_path)
