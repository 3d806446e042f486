"""What lets AWS start runs: the bus for rules of tenants, the group of their schedules, and who may call whom."""

from aws_cdk import Aws, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

# Of a UUID, as IAM's wildcards can say it.
_ANY_ID = "-".join("?" * digits for digits in (8, 4, 4, 4, 12))


class TriggerSources(Construct):
    """Rules and schedules themselves come and go with the triggers: the service makes them, not this stack."""

    def __init__(self, scope: Construct, name: str, *, other_buses: list[str], lifecycle_bus: str) -> None:
        """Raises ValueError if `other_buses`, which triggers may listen to as a whole, names one of this stack's."""
        super().__init__(scope, name)
        stack = Stack.of(self)
        self._other_buses = other_buses
        self.rule_prefix = stack.stack_name
        # Lifecycle events are on a bus of their own, so that no tenant sees or loops on them.
        self.bus_name = f"{stack.stack_name}-triggers"
        if lifecycle_bus in other_buses:
            raise ValueError(f"otherBuses: triggers that listen to {lifecycle_bus} would start themselves for ever")
        if self.bus_name in other_buses:
            # As another bus it would be listened to whole: without the condition that keeps tenants apart on it.
            raise ValueError(f"otherBuses: {self.bus_name} is every workspace's already, for its own events")
        self.bus = events.EventBus(self, "TriggerBus", event_bus_name=self.bus_name)
        self.schedule_group = f"{stack.stack_name}-schedules"
        scheduler.CfnScheduleGroup(self, "ScheduleGroup", name=self.schedule_group)
        self.scheduler_role = iam.Role(
            self,
            "SchedulerRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )

    @property
    def schedule_arns(self) -> str:
        return Stack.of(self).format_arn(
            service="scheduler", resource="schedule", resource_name=f"{self.schedule_group}/*"
        )

    @property
    def rule_name(self) -> str:
        """The pattern of the names of triggers' rules: the stack's name and an id. Its own rules do not match."""
        return f"{self.rule_prefix}-{_ANY_ID}"

    def rule_arns(self) -> list[str]:
        """Of the rules of triggers on the trigger bus and on others."""
        # A rule of the default bus does not have the bus in its ARN.
        buses = ["" if bus == "default" else f"{bus}/" for bus in (self.bus_name, *self._other_buses)]
        return [self._rule_arn(f"{bus}{self.rule_name}") for bus in buses]

    def rule_arns_of_any_bus(self) -> list[str]:
        return [self._rule_arn(self.rule_name), self._rule_arn(f"*/{self.rule_name}")]

    def _rule_arn(self, name: str) -> str:
        return Stack.of(self).format_arn(service="events", resource="rule", resource_name=name)

    def connect(self, _: Construct, function: lambda_.Function) -> None:
        """Schedules and rules may call this function, and nothing else of the stack."""
        self.scheduler_role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn])
        )
        # One permission for all rules, now and later: a Lambda's policy has room for some dozens only.
        lambda_.CfnPermission(
            self,
            "RulesMayCall",
            action="lambda:InvokeFunction",
            function_name=function.function_name,
            principal="events.amazonaws.com",
            source_account=Aws.ACCOUNT_ID,
            source_arn=self._rule_arn(f"*{self.rule_prefix}-*"),
        )
