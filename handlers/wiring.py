"""The adapters that an entry point uses, each built when first asked for.

An entry point imports the one `wiring` and takes what its story needs; a container that only reads runs never talks to
Lambda. Tests build a Wiring of their own with other settings.
"""

from datetime import timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.session import Session as BotocoreSession

from handlers.aws import aws_errors
from handlers.aws.audit_log import AuditLog
from handlers.aws.batch_executions import BatchExecutions
from handlers.aws.batch_store import BatchStore
from handlers.aws.cipher import Cipher
from handlers.aws.configuration_hash import ConfigurationHash
from handlers.aws.dead_letters import DeadLetters
from handlers.aws.erasures import Erasures
from handlers.aws.error_groups import GroupCounts, GroupStore
from handlers.aws.event_rules import EventRules
from handlers.aws.experiments import Experiments
from handlers.aws.function_code import FunctionCode
from handlers.aws.function_invoker import FunctionInvoker
from handlers.aws.keep_alive import probe_idle_connections
from handlers.aws.lifecycle_bus import LifecycleBus
from handlers.aws.object_expiry_index import ObjectExpiryIndex
from handlers.aws.part_objects import PartObjects
from handlers.aws.part_store import PartStore
from handlers.aws.plan_reader import PlanReader
from handlers.aws.registry_store import RegistryStore
from handlers.aws.run_index import RunIndex
from handlers.aws.run_queue import RunQueue
from handlers.aws.run_recorder import RunRecorder
from handlers.aws.run_store import RunStore
from handlers.aws.schedules import ScheduleGroup
from handlers.aws.stack_secret import StackSecret
from handlers.aws.table import Table
from handlers.aws.threads import Threads
from handlers.aws.workspace_slots import WorkspaceSlots
from handlers.domain.batches.ports import BatchDeps, BatchPlanDeps, RestartDeps, StepDeps, most_open
from handlers.domain.error_groups.noting import FailureGrouping
from handlers.domain.function_arns import MAX_TIMEOUT_SECONDS, InvokablePatterns
from handlers.domain.registry.ports import RegistryDeps
from handlers.domain.registry.trigger_metadata import AwsService
from handlers.domain.registry.trigger_sources import PermittedBuses, TriggerSources
from handlers.domain.runs.cancel import CancelDeps
from handlers.domain.runs.erase import EraseDeps
from handlers.domain.runs.execution import ExecutionDeps
from handlers.domain.runs.recording import Retention
from handlers.domain.runs.workspace_limit import WorkspaceLimit
from handlers.domain.starting.captures import CaptureDeps
from handlers.domain.starting.experiments import ExperimentDeps
from handlers.domain.starting.plan import PlanDeps
from handlers.domain.starting.rerun import RerunDeps
from handlers.domain.starting.start import StartDeps
from handlers.domain.upkeep.housekeeping import ExpiryDeps
from handlers.domain.upkeep.recovery import WatchdogDeps
from handlers.settings import Settings
from handlers.telemetry import log_fault, log_permanent_fault

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

# An API call has 30 seconds in all: fail early, try again soon.
_API = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4})
# An event that the bus does not take at once is published again by the watchdog: nobody waits for it.
_PUBLISH = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
# An invocation is awaited longer than its lease, and never repeated by the SDK: that would run the function twice.
_INVOKE = Config(
    connect_timeout=5,
    read_timeout=MAX_TIMEOUT_SECONDS + 50,
    retries={"total_max_attempts": 1},
    tcp_keepalive=True,
    max_pool_connections=1,
)


class Wiring:
    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings

    @cached_property
    def settings(self) -> Settings:
        return self._settings or Settings.from_environment()

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session()

    @cached_property
    def table(self) -> Table:
        return Table(self._session.client("dynamodb", config=_API), self.settings.table_name)

    @cached_property
    def lambda_client(self) -> "LambdaClient":
        return self._session.client("lambda", config=_API)

    @cached_property
    def _kms_session(self) -> BotocoreSession:
        # A session of its own, because the Encryption SDK makes its KMS clients itself: this is how to configure them.
        session = boto3.Session()._session  # noqa: SLF001
        session.set_default_client_config(_API)
        return session

    @cached_property
    def cipher(self) -> Cipher:
        """For both keys. An entry point that needs only one has `input_cipher` or `outcome_cipher`."""
        settings = self.settings
        return Cipher(self._kms_session, inputs=settings.input_key_arn, outcomes=settings.outcome_key_arn)

    @cached_property
    def input_cipher(self) -> Cipher:
        return Cipher(self._kms_session, inputs=self.settings.input_key_arn)

    @cached_property
    def outcome_cipher(self) -> Cipher:
        return Cipher(self._kms_session, outcomes=self.settings.outcome_key_arn)

    @cached_property
    def part_objects(self) -> PartObjects:
        return PartObjects(cache(lambda: self._session.client("s3", config=_API)), self.settings.bucket_name)

    @cached_property
    def parts(self) -> PartStore:
        return PartStore(self.table, self.part_objects, log_fault)

    @cached_property
    def runs(self) -> RunStore:
        return RunStore(self.table, self.parts, log_fault)

    @cached_property
    def recorder(self) -> RunRecorder:
        return RunRecorder(self.table, self.parts, log_fault, max_reruns=self.settings.max_reruns_per_lineage)

    @cached_property
    def run_index(self) -> RunIndex:
        return RunIndex(self.table)

    @cached_property
    def audit_log(self) -> AuditLog:
        return AuditLog(self.table, report=log_fault)

    @cached_property
    def acts_kept_for(self) -> timedelta:
        return timedelta(days=self.settings.audit_retention_days)

    @cached_property
    def registry(self) -> RegistryStore:
        return RegistryStore(self.table, report=log_fault)

    @cached_property
    def _sqs(self) -> "SQSClient":
        return self._session.client("sqs", config=_API)

    @cached_property
    def queue(self) -> RunQueue:
        return RunQueue(self._sqs, self.settings.run_queue_url, log_fault)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(self._sqs, self.settings.dead_letter_queue_url)

    @cached_property
    def bus(self) -> LifecycleBus:
        events = self._session.client("events", config=_PUBLISH)
        return LifecycleBus(events, self.settings.lifecycle_bus_name, log_fault)

    @cached_property
    def group_store(self) -> GroupStore:
        return GroupStore(self.table, report=log_fault)

    @cached_property
    def group_counts(self) -> GroupCounts:
        return GroupCounts(self.table)

    @cached_property
    def groups(self) -> FailureGrouping:
        """For those who end runs that they have not executed."""
        return FailureGrouping(self.group_store, self.bus)

    @cached_property
    def _groups_of_functions_errors(self) -> FailureGrouping:
        return self.groups._replace(secret=StackSecret(self.table, self.input_cipher, "error groups").read)

    @cached_property
    def _configuration_secret(self) -> StackSecret:
        return StackSecret(self.table, self.input_cipher, "configuration hashes")

    @cached_property
    def code(self) -> FunctionCode:
        hashes = ConfigurationHash(self._configuration_secret.read, log_fault)
        return FunctionCode(self.lambda_client, marks_versions=self.settings.delete_unused_versions, hash_of=hashes.of)

    @cached_property
    def invokable(self) -> InvokablePatterns:
        return InvokablePatterns(self.settings.invokable_functions, own_functions=self.settings.own_functions)

    @property
    def requires_reason(self) -> bool:
        return self.settings.require_reason

    @cached_property
    def buses(self) -> PermittedBuses:
        return PermittedBuses(self.settings.other_buses)

    @cached_property
    def retention(self) -> Retention:
        return Retention(self.settings.retention_days, self.settings.audit_retention_days)

    @cached_property
    def sources(self) -> TriggerSources:
        settings = self.settings
        schedules = ScheduleGroup(
            self._session.client("scheduler", config=_API),
            settings.schedule_group,
            target_arn=settings.on_event_arn,
            role_arn=settings.scheduler_role_arn,
        )
        rules = EventRules(
            self._session.client("events", config=_API),
            own_bus=settings.trigger_bus_name,
            prefix=settings.rule_prefix,
            target_arn=settings.on_event_arn,
        )
        return TriggerSources({AwsService.SCHEDULER: schedules, AwsService.EVENT_RULES: rules}, self.buses)

    @cached_property
    def rerun_deps(self) -> RerunDeps:
        return RerunDeps(self.runs, self.registry, self.input_cipher, self.invokable, self.retention)

    @cached_property
    def plan_deps(self) -> PlanDeps:
        # A secret that nothing has been hashed with yet is not made here.
        hashes = ConfigurationHash(self._configuration_secret.find, log_fault)
        code = FunctionCode(self.lambda_client, marks_versions=False, hash_of=hashes.of)
        return PlanDeps(
            self.runs,
            PlanReader(self.table, self.runs, self._configuration_secret, log_fault),
            self.input_cipher,
            self.invokable,
            code,
            self.settings.max_reruns_per_lineage,
            self.requires_reason,
        )

    @cached_property
    def start_deps(self) -> StartDeps:
        return StartDeps(self.recorder, self.input_cipher, self.queue, self.retention)

    @cached_property
    def experiment_deps(self) -> ExperimentDeps:
        return ExperimentDeps(self.recorder, self.input_cipher, self.queue)

    @cached_property
    def batches(self) -> BatchStore:
        return BatchStore(self.table, report=log_fault)

    @cached_property
    def batch_executions(self) -> BatchExecutions:
        return BatchExecutions(self._session.client("stepfunctions", config=_API), self.settings.batches_arn)

    @cached_property
    def batch_deps(self) -> BatchDeps:
        return BatchDeps(self.batches, self.batch_executions, self.input_cipher, self.retention)

    @cached_property
    def restart_deps(self) -> RestartDeps:
        return RestartDeps(self.batches, self.batch_executions, self.retention)

    @cached_property
    def batch_plan_deps(self) -> BatchPlanDeps:
        limit = self.settings.max_reruns_per_lineage
        return BatchPlanDeps(self.runs, self.run_index, self.registry, self.invokable, limit, self.retention, Threads())

    @cached_property
    def step_deps(self) -> StepDeps:
        return StepDeps(
            self.batches,
            self.batch_executions,
            self.recorder,
            self.run_index,
            self.registry,
            self.input_cipher,
            self.queue,
            self.cancel_deps,
            Threads(),
            self.retention,
            self.invokable,
            self._most_open,
            lambda fault, _: log_fault(fault),
        )

    @property
    def _most_open(self) -> int:
        settings = self.settings
        return most_open(settings.max_concurrent_executions, settings.max_concurrent_executions_per_workspace)

    @cached_property
    def experiments(self) -> Experiments:
        return Experiments(self.table)

    @cached_property
    def cancel_deps(self) -> CancelDeps:
        # A cancelled run has no outcome to seal, and so there is no key.
        return CancelDeps(self.runs, Cipher(self._kms_session), self.bus, self.groups)

    @cached_property
    def erase_deps(self) -> EraseDeps:
        erasures = Erasures(self.table, self.parts, report=log_fault)
        # Nor has an erased one.
        return EraseDeps(self.runs, erasures, Cipher(self._kms_session), self.bus, self.groups)

    @cached_property
    def registry_deps(self) -> RegistryDeps:
        return RegistryDeps(self.registry, self.input_cipher, self.code, self.invokable, self.sources)

    @cached_property
    def capture_deps(self) -> CaptureDeps:
        groups = self._groups_of_functions_errors
        return CaptureDeps(self.recorder, self.registry, self.cipher, self.bus, groups, self.retention, self.invokable)

    @cached_property
    def invocations(self) -> "LambdaClient":
        client = self._session.client("lambda", config=_INVOKE)
        probe_idle_connections(client)
        return client

    @cached_property
    def execution_deps(self) -> ExecutionDeps:
        invoker = FunctionInvoker(self.invocations)
        slots = WorkspaceSlots(self.table, log_fault)
        limit = WorkspaceLimit(slots, self.settings.max_concurrent_executions_per_workspace)
        return ExecutionDeps(
            self.runs,
            self.cipher,
            self.invokable,
            self.code,
            invoker,
            self.queue,
            self.bus,
            self._groups_of_functions_errors,
            limit,
        )

    @cached_property
    def watchdog_deps(self) -> WatchdogDeps:
        return WatchdogDeps(
            self.runs,
            self.outcome_cipher,
            self.queue,
            self.bus,
            self.groups,
            self.dead_letters,
            self.settings.max_concurrent_executions,
        )

    @cached_property
    def expiry_deps(self) -> ExpiryDeps:
        return ExpiryDeps(ObjectExpiryIndex(self.table, report=log_fault), self.part_objects)


aws_errors.observe(log_permanent_fault)
wiring = Wiring()
