"""The emulator's defects that the product would notice, each corrected in one function named after it.

One file for each emulated service. Every correction first verifies that the code it corrects is still there. It raises
`EmulatorChanged` if not, so a new version of the emulator cannot make it silently useless.
"""

from infra.local.corrections import access, functions, http_api, python_runtime, schedules


def apply_all() -> None:
    python_runtime.the_python_worker_lacks_the_runtime_of_aws()
    python_runtime.an_error_loses_its_type_and_stack_trace()
    python_runtime.an_exception_ends_the_worker()
    functions.a_lone_surrogate_cannot_be_returned()
    functions.the_client_context_never_arrives()
    python_runtime.the_end_of_a_log_is_guessed()
    functions.a_version_escapes_the_reserved_concurrency()
    functions.a_failed_invocation_is_told_without_its_id()
    http_api.jwt_claims_might_not_be_strings()
    access.iam_mistakes_the_names_of_rules_and_schedules()
    schedules.a_changed_schedule_never_fires_again()
    schedules.a_schedule_hands_over_placeholders()
    schedules.a_schedule_waits_ten_seconds_for_its_tick()
