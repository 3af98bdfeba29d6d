"""Carrying out a claimed action, once, whatever happens in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sentinel.deploy.adapters import Adapters
from sentinel.errors import AdapterError, Conflict, TargetNotFound
from sentinel.model.plan import Action, ActionKind, ActionState
from sentinel.model.settings import Deployment


def carry_out(action: Action, adapters: Adapters, now: datetime, *, withheld: str = "") -> Action:
    """Make a claimed change, or find out that it was made already, and return how it ended.

    `withheld` says why it must not be started any more: then this only finds out whether an earlier call went
    through. Calling again after a crash is harmless: the adapter knows the action by its key, and the changes are
    compare-and-set.

    Raises:
        AdapterError: What came of it is not known yet: the control plane did not answer, has accepted the change
            and not finished it, or is busy with another one while a change is to be taken back.
    """
    try:
        adapter = adapters.of(action.target)
        current = adapter.describe(action.target)
        if _in_force(action, current) and current.revision != action.expect:
            return _ended(action, ActionState.APPLIED, now, "found in force", current)
        if withheld and current.revision == action.expect:
            return _ended(action, ActionState.VOID, now, f"{withheld}, nothing was changed")
        # With another revision this changes nothing: it is answered only if the adapter knows the key.
        done = adapter.apply(action.target, action.changes, expect=action.expect, key=action.id)
    except Conflict as error:
        return _refused(action, adapters.of(action.target).describe(action.target), error, now)
    except TargetNotFound as error:
        return _ended(action, ActionState.FAILED, now, str(error))
    except AdapterError as error:
        if not error.permanent:
            raise
        return _ended(action, ActionState.FAILED, now, str(error))
    return _accepted(action, done, now)


def _accepted(action: Action, deployment: Deployment, now: datetime) -> Action:
    """An accepted change counts only when the settings read back are the new ones."""
    if _in_force(action, deployment):
        return _ended(action, ActionState.APPLIED, now, "in force", deployment)
    wrong = [change for change in action.changes if deployment.settings.value(change.knob) != change.after]
    read = ", ".join(f"{change.knob} {deployment.settings.value(change.knob)}" for change in wrong)
    if deployment.updating:
        raise AdapterError(f"accepted and not in force yet: {read}")
    return _ended(action, ActionState.FAILED, now, f"accepted but not in force: {read}", deployment)


def _refused(action: Action, deployment: Deployment, conflict: Conflict, now: datetime) -> Action:
    """What a conflict means, by the settings as they are."""
    if deployment.revision != action.expect:
        if _in_force(action, deployment):
            return _ended(action, ActionState.APPLIED, now, "found in force", deployment)
        return _ended(action, ActionState.VOID, now, "the deployment was changed by someone else")
    if action.kind is ActionKind.UNDO:
        # Nobody changed anything, so it stays ours to take back as soon as the control plane is free.
        raise AdapterError(f"not taken back yet: {conflict}")
    return _ended(action, ActionState.VOID, now, str(conflict))


def _in_force(action: Action, deployment: Deployment) -> bool:
    return all(deployment.settings.value(change.knob) == change.after for change in action.changes)


def _ended(
    action: Action, state: ActionState, now: datetime, detail: str, deployment: Deployment | None = None
) -> Action:
    revision = deployment.revision if deployment is not None else ""
    return replace(action, state=state, finished=now, revision=revision, detail=detail)
