"""Answers to what cdk-nag finds, given where the finding is."""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def answer(construct: IConstruct, answers: Mapping[str, str]) -> None:
    """`answers` maps findings such as "Serverless-EventBusDLQ" of this construct and those in it to the reason."""
    for finding, reason in answers.items():
        pack = finding.partition("-")[0]
        Validations.of(construct).acknowledge(Acknowledgment(id=f"{pack}::{finding}", reason=reason))
