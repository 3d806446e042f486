"""`python -m infra.reference [FILE…]`: write the generated pages, all or those of these names."""

import os
import sys

from infra.node import jsii_environment


def main() -> None:
    os.environ.update(jsii_environment())
    from infra.reference.pages import PAGES  # noqa: PLC0415 - it loads the CDK, which starts Node

    names = sys.argv[1:] or [page.path.name for page in PAGES]
    for page in PAGES:
        if page.path.name in names:
            page.path.write_text(page.expected())


if __name__ == "__main__":
    main()
