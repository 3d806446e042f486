"""What is kept: the one table, the bucket for what is too large for it, and the keys that seal what is secret."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

_TEXT = dynamodb.AttributeType.STRING
STAGING, KEPT = "staging/", "kept/"
# An item is in an index if it has both attributes: partition key and sort key.
INDEXES = {
    "byWorkspace": ("byWorkspace", "position"),
    "byFunction": ("byFunction", "position"),
    "due": ("due", "dueAt"),
    "failures": ("byWorkspace", "failedAt"),
    "unrecovered": ("byWorkspace", "unrecoveredAt"),
    "errorGroup": ("errorGroup", "unrecoveredAt"),
    "batch": ("batch", "position"),
}


class Storage(Construct):
    def __init__(
        self, scope: Construct, name: str, *, removal_policy: RemovalPolicy, production: bool, deletion_protection: bool
    ) -> None:
        """`deletion_protection` must be off while the stack is created: nothing could be rolled back otherwise."""
        super().__init__(scope, name)
        # Two, so that who starts runs cannot read what came of them.
        self.input_key, self.outcome_key = (
            kms.Key(self, name, description=description, enable_key_rotation=True, removal_policy=removal_policy)
            for name, description in {
                "InputKey": "Seals parameters and overrides of function runs, and secrets of triggers",
                "OutcomeKey": "Seals results, logs and errors of function runs",
            }.items()
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
        # A stack update can add one index only: all of them exist from the first template, those that no release
        # writes yet included. docs/reference/storage.md says what each is for.
        for index, (partition, sort) in INDEXES.items():
            self._index(index, partition, sort)

    def _index(self, name: str, partition: str, sort: str) -> None:
        """Sparse. It leads to items, which are read consistently then."""
        self.table.add_global_secondary_index(
            index_name=name,
            partition_key=dynamodb.Attribute(name=partition, type=_TEXT),
            sort_key=dynamodb.Attribute(name=sort, type=_TEXT),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
