"""The CDK starts Node when it is imported: say which one before any test here does so."""

import os

from infra.node import jsii_environment

for _name, _value in jsii_environment().items():
    os.environ.setdefault(_name, _value)
