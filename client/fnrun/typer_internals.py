"""What is taken from typer's private modules, which any of its minor versions may move: pyproject.toml pins one.

There is no public name for these: the error that only carries the help, what a group of ours offers for completion,
and how the help of an offer is read.
"""

from typing import Any

from typer._click.exceptions import NoArgsIsHelpError

__all__ = ["NoArgsIsHelpError", "completion_item", "show_help_as_it_is"]


def completion_item(offered: str, about: str) -> Any:
    from typer._click.shell_completion import CompletionItem

    return CompletionItem(offered, help=about)


def show_help_as_it_is() -> None:
    """Without reading it as rich's markup, as typer does for zsh and fish: importing rich takes as long as all else."""
    from typer import _completion_classes

    _completion_classes._sanitize_help_text = lambda text: text  # noqa: SLF001 - there is no setting for it
