"""Carrying out a claimed action, once, whatever happens in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sentinel.deploy.adapters import Adapters
from sentinel.errors import AdapterError, Conflict, TargetNotFound
from sentinel.model.plan import Action, ActionState
from sentinel.model.settings import Deployment


def carry_out(action: Action, adapters: Adapters, now: datetime, *, withheld: str = "") -> Action:
    """Make a claimed change, or find out that it was made already, and return how it ended.

    `withheld` says why it must not be started any more: then this only finds out whether an earlier call went
    through. Calling again after a crash is harmless: the adapter knows the action by its key, and the changes are
    compare-and-set.

    Raises:
        AdapterError: The control plane did not answer; whether the change was made is not known yet.
    """
    try:
        adapter = adapters.of(action.target)
        current = adapter.describe(action.target)
        if current.revision != action.expect or withheld:
            return _found(action, current, now, f"{withheld}, nothing was changed" * bool(withheld))
        done = adapter.apply(action.target, action.changes, expect=action.expect, key=action.id)
    except Conflict as error:
        return _found(action, adapters.of(action.target).describe(action.target), now, str(error))
    except TargetNotFound as error:
        return replace(action, state=ActionState.FAILED, finished=now, detail=str(error))
    except AdapterError as error:
        if not error.permanent:
            raise
        return replace(action, state=ActionState.FAILED, finished=now, detail=str(error))
    return _applied(action, done, now)


def _applied(action: Action, deployment: Deployment, now: datetime) -> Action:
    """An accepted change counts only when the settings read back are the new ones."""
    wrong = [change for change in action.changes if deployment.settings.value(change.knob) != change.after]
    if wrong:
        read = ", ".join(f"{change.knob} {deployment.settings.value(change.knob)}" for change in wrong)
        detail = f"accepted but not in force: {read}"
        return replace(
            action, state=ActionState.FAILED, finished=now, revision=deployment.revision, detail=detail
        )
    return replace(
        action, state=ActionState.APPLIED, finished=now, revision=deployment.revision, detail="in force"
    )


def _found(action: Action, deployment: Deployment, now: datetime, detail: str = "") -> Action:
    """What an earlier call of the same action came to, by the settings as they are."""
    in_force = all(deployment.settings.value(change.knob) == change.after for change in action.changes)
    if in_force and deployment.revision != action.expect:
        return replace(
            action,
            state=ActionState.APPLIED,
            finished=now,
            revision=deployment.revision,
            detail="found in force",
        )
    changed = "the deployment was changed by someone else"
    return replace(action, state=ActionState.VOID, finished=now, detail=detail or changed)
