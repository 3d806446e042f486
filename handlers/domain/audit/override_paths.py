"""Which parameters a re-run has overridden, as JSON Pointers. They are content, because keys are; and so are sealed."""

from handlers.domain.audit.act import Act, ActWriter, SealedAct
from handlers.domain.json_document import JsonObject, parse
from handlers.domain.json_pointers import leaves
from handlers.domain.seal import Cipher, KeyRefused, SealBroken

# So many characters of paths are kept with an act: its item stays small, whatever was overridden.
MAX_CHARACTERS = 2_000
_MORE = "…"


def override_paths(overrides: JsonObject) -> tuple[str, ...]:
    """One for each value that overrides another: objects are merged, all else replaces (RFC 6901).

    The last is `…` if there are more.
    """
    paths: list[str] = []
    length = 0
    for path, _ in leaves(overrides):
        length += len(path)
        if length > MAX_CHARACTERS:
            return (*paths, _MORE)
        paths.append(path)
    return tuple(paths)


def reveal_paths(found: list[SealedAct], revealing: Act, log: ActWriter, cipher: Cipher) -> list[Act]:
    """The acts with their paths. That these are shown is an act, written before they are.

    Raises Unavailable.
    """
    opened = [_opened(each, cipher) for each in found]
    if any(act.override_paths for act in opened):
        log.write(revealing)
    return opened


def _opened(sealed: SealedAct, cipher: Cipher) -> Act:
    """Without paths if they cannot be opened: the list of who did what is worth more."""
    act = sealed.act
    if sealed.sealed_paths is None:
        return act
    try:
        paths = parse(cipher.open(sealed.sealed_paths, act.seal_context))
    except (KeyRefused, SealBroken):
        return act
    return act.evolve(override_paths=tuple(paths))
