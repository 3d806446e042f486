"""One request for each of several runs: each is reported, and the worst exit code is the command's."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fnrun import lookup
from fnrun.errors import CommandError, Exit, error_document, error_line
from fnrun.inputs.json_values import STDIN
from fnrun.inputs.several_runs import named_runs
from fnrun.output.console import note, print_json_list
from fnrun.output.text import printable
from fnrun.shared import invocation

ENDS_ALL = frozenset({Exit.NOT_PERMITTED, Exit.NOT_REACHED, Exit.UNKNOWN, Exit.INTERRUPTED, Exit.FAULT})
"""What stands in the way of one run, and of all others, too."""

Act = Callable[[str], tuple[dict[str, Any], str]]
"""Of a run's id: the document for --output json, and what to say."""


def act_on_each(names: Sequence[str], act: Act) -> Exit:
    """`names` as they were typed."""
    codes = {Exit.DONE}
    documents = _documents(names, act, codes)
    if invocation().as_json:
        print_json_list(documents)
    elif not sum(1 for _ in documents):
        note("No run was named.")
    return max(codes)


def _documents(names: Sequence[str], act: Act, codes: set[Exit]) -> Iterator[dict[str, Any]]:
    remaining = named_runs(names)

    def failed(name: str, error: CommandError) -> None:
        codes.add(Exit(error.exit_code))
        if not invocation().as_json:
            note(f"fnrun: {'' if len(names) == 1 else f'{name}: '}{error_line(error)}")

    try:
        for name in remaining:
            document, said, error = _attempt(name, act)
            if error is None:
                _say(said)
            else:
                failed(name, error)
            yield document
            if error is not None and error.exit_code in ENDS_ALL:
                if next(remaining, None) is not None:
                    note("The runs after this one were not asked for.")
                return
    except CommandError as error:  # of the names: what was done before is reported
        failed(STDIN, error)
        yield {"runId": STDIN, "error": error_document(error)}


def _attempt(name: str, act: Act) -> tuple[dict[str, Any], str, CommandError | None]:
    from function_rerun import FunctionRerunError

    from fnrun.failures import explained

    run_id = name
    try:
        run_id = lookup.run_id(name)
        document, said = act(run_id)
    except (CommandError, FunctionRerunError) as refusal:
        error = explained(refusal, run=run_id)
        return {"runId": run_id, "error": error_document(error)}, "", error
    return document, f"{run_id}  {said}", None


def _say(said: str) -> None:
    import sys

    if not invocation().as_json:
        sys.stdout.write(printable(said) + "\n")
        sys.stdout.flush()
