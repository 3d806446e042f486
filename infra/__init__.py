"""The CDK stack. `infra.aws` deploys it to AWS, `infra.local` to an emulator on this machine."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""Where this repository is."""
