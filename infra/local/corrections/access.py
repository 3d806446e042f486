"""IAM: which resource a request is about."""

from ministack.core import iam_actions

from infra.local.corrections.rewriting import rewrite_function


def iam_mistakes_the_names_of_rules_and_schedules() -> None:
    """Every schedule is taken for one of the group `default`, and the targets of a rule for ones of its bus."""
    rewrite_function(
        "IAM mistakes the names of rules and schedules",
        iam_actions,
        "extract_resource_arn",
        {
            "schedule/default/{parts[si + 1]}": (
                "schedule/{_param(body, query_params, 'GroupName', 'groupName') or 'default'}/{parts[si + 1]}"
            ),
            '_safe_json_field(body, "RuleName")': '_safe_json_field(body, "Rule")',
            "rule/{bus}/{name}": "rule/{bus + '/' if bus != 'default' else ''}{name}",
        },
    )
