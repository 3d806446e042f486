"""The CDK app: `python -m infra.app` synthesises it, with or without the CDK's own command line."""

import sys

from aws_cdk import App

from infra.bundle import BundleError, build_layer
from infra.limits import check_limits
from infra.settings import Settings
from infra.stack import FunctionRerunStack


def main() -> None:
    """Raises ValueError or BundleError, which say what to do."""
    app = App()
    settings = Settings.of(app.node)
    # The local stack's Lambdas run in this very environment and find the dependencies there.
    layer_directory = None if settings.local else build_layer()
    stack = FunctionRerunStack(app, settings.stack_name, settings=settings, layer_directory=layer_directory)
    if settings.local:
        from infra.local.samples import SampleFunctionsStack  # noqa: PLC0415 - not shipped

        SampleFunctionsStack(app, f"{settings.stack_name}Samples")
    else:
        from infra.validation import validate  # noqa: PLC0415 - takes seconds to load

        validate(app, stack, settings=settings)
    template = app.synth().get_stack_by_name(stack.stack_name).template
    check_limits(template, settings, stack_name=stack.stack_name)


if __name__ == "__main__":
    try:
        main()
    except (ValueError, BundleError) as error:
        sys.exit(str(error))
