"""What is kept: the one table, the bucket for what is too large for it, and the keys that seal what is secret."""

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings import Settings

_TEXT = dynamodb.AttributeType.STRING
STAGING, KEPT = "staging/", "kept/"
# Sparse: an item is in an index if it has both attributes, partition key and sort key.
INDEXES = {
    "byWorkspace": ("byWorkspace", "position"),
    "byFunction": ("byFunction", "position"),
    "due": ("due", "dueAt"),
    "failures": ("byWorkspace", "failedAt"),
    "unrecovered": ("byWorkspace", "unrecoveredAt"),
    "errorGroup": ("errorGroup", "unrecoveredAt"),
    "groupFailures": ("errorGroup", "failedAt"),
    "batch": ("batch", "position"),
}


class Storage(Construct):
    def __init__(self, scope: Construct, name: str, *, settings: Settings) -> None:
        super().__init__(scope, name)
        # Two, so that a function that starts runs cannot read their results.
        self.input_key = self._key(
            "InputKey", "Seals parameters and overrides of function runs, and secrets of triggers", settings
        )
        self.outcome_key = self._key("OutcomeKey", "Seals results, logs and errors of function runs", settings)
        self.table = self._table(settings)
        self.bucket = self._bucket(settings)

    def _key(self, name: str, description: str, settings: Settings) -> kms.Key:
        return kms.Key(
            self, name, description=description, enable_key_rotation=True, removal_policy=settings.removal_policy
        )

    def _table(self, settings: Settings) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=_TEXT),
            sort_key=dynamodb.Attribute(name="sk", type=_TEXT),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=settings.production
            ),
            deletion_protection=settings.deletion_protection,
            time_to_live_attribute="expiresAt",
            removal_policy=settings.removal_policy,
        )
        # A stack update can add one index only: all of them exist from the first template, those that no release
        # writes yet included. docs/reference/storage.md says what each is for.
        for index, (partition, sort) in INDEXES.items():
            # They lead to items, which are read consistently then.
            table.add_global_secondary_index(
                index_name=index,
                partition_key=dynamodb.Attribute(name=partition, type=_TEXT),
                sort_key=dynamodb.Attribute(name=sort, type=_TEXT),
                projection_type=dynamodb.ProjectionType.KEYS_ONLY,
            )
        return table

    def _bucket(self, settings: Settings) -> s3.Bucket:
        return s3.Bucket(
            self,
            "Bucket",
            # Objects are sealed already.
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=settings.production,
            lifecycle_rules=[
                # Housekeeping does this each hour; S3 does it even if nothing of ours runs any more.
                s3.LifecycleRule(prefix=STAGING, expiration=Duration.days(1)),
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
            removal_policy=settings.removal_policy,
        )
