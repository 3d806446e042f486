"""The emulator's defects that the product would notice, each corrected in one function named after it.

One file for each emulated service. Every correction first verifies that the code it corrects is still there. It raises
`EmulatorChanged` if not, so a new version of the emulator cannot make it silently useless.
"""

from infra.local.emulator.corrections import (
    access,
    event_buses,
    functions,
    http_api,
    python_runtime,
    queues,
    schedules,
    tables,
)


def apply_all() -> None:
    python_runtime.the_python_worker_lacks_the_runtime_of_aws()
    python_runtime.an_error_loses_its_type_and_stack_trace()
    python_runtime.an_exception_ends_the_worker()
    python_runtime.the_end_of_a_log_is_guessed()
    python_runtime.a_worker_imports_everything_again()
    functions.a_lone_surrogate_cannot_be_returned()
    functions.the_client_context_never_arrives()
    functions.a_version_escapes_the_reserved_concurrency()
    functions.a_failed_invocation_is_recorded_without_its_id()
    functions.a_payload_may_be_anything()
    functions.a_version_s_number_is_used_again()
    functions.a_version_s_code_is_that_of_its_function()
    http_api.an_api_s_endpoint_does_not_resolve()
    http_api.jwt_claims_might_not_be_strings()
    access.iam_mistakes_the_names_of_rules_and_schedules()
    access.iam_has_an_action_for_batches_of_messages()
    access.iam_does_not_know_what_a_request_names()
    schedules.schedules_are_mistimed()
    schedules.a_schedule_may_say_anything()
    schedules.a_schedule_waits_ten_seconds_for_its_tick()
    event_buses.a_bus_is_deleted_with_its_rules()
    event_buses.a_rule_is_deleted_with_its_targets()
    event_buses.a_rule_without_pattern_and_schedule_is_taken()
    event_buses.a_rule_has_any_rate()
    event_buses.a_rule_takes_any_number_of_targets()
    event_buses.targets_of_no_rule_are_removed()
    event_buses.an_event_may_be_anything()
    event_buses.names_of_rules_may_be_anything()
    queues.a_message_may_be_delayed_for_ever()
    queues.a_message_group_may_have_any_name()
    queues.a_receiver_may_wait_and_hold_for_ever()
    tables.a_query_filters_on_keys()
