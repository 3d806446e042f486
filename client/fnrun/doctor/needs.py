"""Which grants each command needs, in the workspace that it is called for."""

from collections.abc import Mapping
from types import MappingProxyType

from fnrun.connection.identity import Identity
from fnrun.doctor.findings import Finding, fault, ok, warning

_EXECUTE, _READ, _REVEAL = "function-triggers:execute", "function-runs:read", "function-runs:reveal"

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "execute": (_EXECUTE,),
        "runs": (_READ,),
        "rerun": (_EXECUTE, _READ),
        "history": (_READ,),
        "compare": (_READ,),
        "experiment": (_EXECUTE, _READ),
        "batch": (_EXECUTE, _READ),
        "replay": (_EXECUTE, _READ, _REVEAL, "compute-functions:read"),
        "cancel": (_EXECUTE,),
        "open": (_READ,),
        "see content": (_READ, _REVEAL),
        "debug": (_READ, _REVEAL),
        "export-test": (_READ, _REVEAL),
        "errors": (_READ,),
        "change errors": (_READ, "error-groups:write"),
        "erase": ("function-runs:erase",),
        "functions": ("compute-functions:read",),
        "change functions": ("compute-functions:write",),
        "triggers": ("function-triggers:read",),
        "change triggers": ("function-triggers:write",),
        "audit": ("audit:read",),
    }
)
_ASK = "an operator gives grants: fnrun admin grant EMAIL {missing}, or at your identity provider"


def may_do(identity: Identity, workspace: str, command: str) -> Finding:
    """Of one command, which somebody wants to use."""
    missing = [f"{workspace}/{need}" for need in NEEDS[command] if not identity.may(workspace, need)]
    if missing:
        return fault("may I", f"{command} needs {', '.join(missing)}", _ASK.format(missing=" ".join(missing)))
    return ok("may I", f"{command} is permitted in {workspace}")


def may_do_all(identity: Identity, workspace: str) -> list[Finding]:
    """Of all commands. Who may not do everything is not ill: most people may not."""
    permitted = [each for each in NEEDS if all(identity.may(workspace, need) for need in NEEDS[each])]
    others = [each for each in NEEDS if each not in permitted]
    if not permitted:
        return [
            fault(
                "may I", f"The token has no grant for the workspace {workspace}", _ASK.format(missing=f"{workspace}/…")
            )
        ]
    found = [ok("may I", f"In {workspace}: {', '.join(permitted)}")]
    if others:
        found.append(
            warning("may I", f"Not in {workspace}: {', '.join(others)}", "if you need one: fnrun doctor --can COMMAND")
        )
    return found
