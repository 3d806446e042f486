"""What is kept: the one table, and the key that seals what is secret in it."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

_TEXT = dynamodb.AttributeType.STRING


class Storage(Construct):
    def __init__(self, scope: Construct, name: str, *, removal_policy: RemovalPolicy, production: bool) -> None:
        super().__init__(scope, name)
        self.key = kms.Key(
            self,
            "Key",
            description="Seals parameters, overrides, results, logs and errors of function runs",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=_TEXT),
            sort_key=dynamodb.Attribute(name="sk", type=_TEXT),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=production
            ),
            deletion_protection=production,
            time_to_live_attribute="expiresAt",
            removal_policy=removal_policy,
        )
        # A stack update can add one index only: all of them exist from the first template.
        self._index("byWorkspace", "position", including=["functionId", "triggerId"])
        self._index("byFunction", "position", including=["triggerId"])
        self._index("attention", "attentionAt")

    def _index(self, partition: str, sort: str, *, including: list[str] | None = None) -> None:
        """Sparse, and named after its partition key. It projects only what never changes."""
        self.table.add_global_secondary_index(
            index_name=partition,
            partition_key=dynamodb.Attribute(name=partition, type=_TEXT),
            sort_key=dynamodb.Attribute(name=sort, type=_TEXT),
            projection_type=dynamodb.ProjectionType.INCLUDE if including else dynamodb.ProjectionType.KEYS_ONLY,
            non_key_attributes=including,
        )
