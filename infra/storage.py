"""What is kept: the one table, the bucket for what is too large for it, and the key that seals what is secret."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

_TEXT = dynamodb.AttributeType.STRING
STAGING, KEPT = "staging/", "kept/"


class Storage(Construct):
    def __init__(
        self, scope: Construct, name: str, *, removal_policy: RemovalPolicy, production: bool, deletion_protection: bool
    ) -> None:
        """`deletion_protection` must be off while the stack is created: nothing could be rolled back otherwise."""
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
            deletion_protection=deletion_protection,
            time_to_live_attribute="expiresAt",
            removal_policy=removal_policy,
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            # What lies here is sealed already; this is for whoever looks at the bucket alone.
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=production,
            lifecycle_rules=[
                # Housekeeping does this each hour; S3 does it even if nothing of ours runs any more.
                s3.LifecycleRule(prefix=STAGING, expiration=Duration.days(1)),
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
            removal_policy=removal_policy,
        )
        # A stack update can add one index only: all of them exist from the first template.
        self._index("byWorkspace", "position")
        self._index("byFunction", "position")
        self._index("attention", "attentionAt")

    def _index(self, partition: str, sort: str) -> None:
        """Sparse, and named after its partition key. It leads to items, which are read consistently then."""
        self.table.add_global_secondary_index(
            index_name=partition,
            partition_key=dynamodb.Attribute(name=partition, type=_TEXT),
            sort_key=dynamodb.Attribute(name=sort, type=_TEXT),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
