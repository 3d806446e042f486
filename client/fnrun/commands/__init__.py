"""One module for each command or group of commands.

A module declares its options with typer and imports everything else inside its functions, so that `fnrun --help` and
the completion of a shell load nothing that they do not use.
"""
