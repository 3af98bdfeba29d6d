"""The settings of one home directory: `sentinel.toml`, strictly decoded."""

from sentinel.config.secret import Secret
from sentinel.config.settings import Config, KeySettings, Role, default_home

__all__ = ["Config", "KeySettings", "Role", "Secret", "default_home"]
