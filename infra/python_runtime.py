"""The Python that the Lambdas run: that of this interpreter.

The layer's wheels, its bytecode and the tests are then all of the version that production uses.
"""

import sys

from aws_cdk import aws_lambda as lambda_

# Managed runtimes that are not deprecated: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
OFFERED = {
    (3, 11): lambda_.Runtime.PYTHON_3_11,
    (3, 12): lambda_.Runtime.PYTHON_3_12,
    (3, 13): lambda_.Runtime.PYTHON_3_13,
    (3, 14): lambda_.Runtime.PYTHON_3_14,
}


def python_runtime(version: tuple[int, int] = sys.version_info[:2]) -> lambda_.Runtime:
    """Raises ValueError, which says what to do, for a Python that Lambda does not offer."""
    if version not in OFFERED:
        offered = ", ".join(f"{major}.{minor}" for major, minor in OFFERED)
        this = ".".join(map(str, version))
        raise ValueError(
            f"Lambda has no runtime for Python {this}, only for {offered}. "
            "Install with one of these: make clean install PYTHON=python3.13"
        )
    return OFFERED[version]
