"""The keys of the HTTP face, from settings or made at the first start."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from sentinel.config import Config, Role, Secret
from sentinel.errors import ConfigError
from sentinel.web.keys import Key, Keys

ADMIN_KEY_FILE: Final = Path("keys") / "admin"


def keys_of(config: Config, home: Path) -> Keys:
    """The configured keys, or the one admin key of a home directory whose settings name none.

    Raises:
        ConfigError: A key cannot be read or made.
    """
    configured = []
    for key in config.http.keys:
        secret = key.resolve(home)
        if secret is not None:
            configured.append(Key(key.name, key.role, secret))
    return Keys(configured or [Key("admin", Role.ADMIN, _admin_key(home / ADMIN_KEY_FILE))])


def _admin_key(path: Path) -> Secret:
    """The key in a file only its owner may read; made if it is not there."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            text = path.read_text("utf-8").strip()
        else:
            text = secrets.token_urlsafe(32)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(f"{text}\n")
    except OSError as error:
        raise ConfigError(f"cannot keep the admin key in {path}: {error}") from error
    if not text:
        raise ConfigError(f"the admin key in {path} is empty; remove the file to have one made")
    return Secret(text)
