"""`python -m infra.reference`: write all generated pages."""

import os

from infra.node import jsii_environment


def main() -> None:
    os.environ.update(jsii_environment())
    from infra.reference.pages import PAGES  # noqa: PLC0415 - it loads the CDK, which starts Node

    for page in PAGES:
        page.path.write_text(page.expected())


if __name__ == "__main__":
    main()
