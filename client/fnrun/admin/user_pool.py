"""The people of the stack's own user pool. Their grants are groups, which are made when somebody first gets one."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from fnrun.connection.aws import Target, client_of, explained, outputs_of
from fnrun.connection.identity import is_grant
from fnrun.errors import CommandError, UsageFault

_LONGEST_GROUP = 128
"""https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html."""
_DESCRIPTION = "A grant of Function Re-run"


@dataclass(frozen=True)
class User:
    email: str
    status: str
    """Cognito's: FORCE_CHANGE_PASSWORD until the first login, then CONFIRMED."""
    enabled: bool
    created_at: str


class UserPool:
    """Of one stack. All methods raise CommandError."""

    def __init__(self, target: Target) -> None:
        outputs = outputs_of(target)
        if "UserPoolId" not in outputs:
            raise CommandError(f"The stack {target.stack} has no output UserPoolId", "name another one with --stack")
        self.id, self.api_url = outputs["UserPoolId"], outputs["ApiUrl"].rstrip("/")
        self._cognito = client_of(target, "cognito-idp")

    def add(self, email: str, *, password: str | None) -> None:
        """Cognito mails an invitation, unless a temporary password is given."""
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        how: dict[str, Any] = (
            {"TemporaryPassword": password, "MessageAction": "SUPPRESS"}
            if password
            else {"DesiredDeliveryMediums": ["EMAIL"]}
        )
        with self._explained(email):
            self._cognito.admin_create_user(UserPoolId=self.id, Username=email, UserAttributes=attributes, **how)

    def remove(self, email: str) -> None:
        with self._explained(email):
            self._cognito.admin_delete_user(UserPoolId=self.id, Username=email)

    def users(self) -> Iterable[User]:
        with explained():
            for page in self._cognito.get_paginator("list_users").paginate(UserPoolId=self.id):
                for user in page["Users"]:
                    attributes = {each["Name"]: each.get("Value", "") for each in user.get("Attributes", [])}
                    yield User(
                        attributes.get("email", user["Username"]),
                        user["UserStatus"],
                        user["Enabled"],
                        user["UserCreateDate"].isoformat(),
                    )

    def grants(self, email: str) -> list[str]:
        with self._explained(email):
            pages = self._cognito.get_paginator("admin_list_groups_for_user").paginate(
                UserPoolId=self.id, Username=email
            )
            return sorted(group["GroupName"] for page in pages for group in page["Groups"])

    def grant(self, email: str, grant: str) -> None:
        with self._explained(email):
            with suppress(self._cognito.exceptions.GroupExistsException):
                self._cognito.create_group(UserPoolId=self.id, GroupName=grant, Description=_DESCRIPTION)
            self._cognito.admin_add_user_to_group(UserPoolId=self.id, Username=email, GroupName=grant)

    def revoke(self, email: str, grant: str) -> None:
        with self._explained(email):
            self._cognito.admin_remove_user_from_group(UserPoolId=self.id, Username=email, GroupName=grant)

    @contextmanager
    def _explained(self, email: str) -> Iterator[None]:
        """What concerns one user, in one line."""
        exceptions = self._cognito.exceptions
        with explained():
            try:
                yield
            except exceptions.UserNotFoundException:
                raise CommandError(f"There is no user {email}", f"fnrun admin user add {email}") from None
            except exceptions.UsernameExistsException:
                raise CommandError(f"There is a user {email} already", f"fnrun admin grant {email} GRANT") from None


def checked_grants(grants: Sequence[str]) -> list[str]:
    """Raises UsageFault for the first that is none, before anything is changed."""
    for grant in grants:
        if not is_grant(grant):
            raise UsageFault(
                f"{grant!r} is not a grant", "WORKSPACE/RESOURCE:ACTION, as acme/function-runs:read or 'acme/*:*'"
            )
        if len(grant) > _LONGEST_GROUP:
            raise UsageFault(f"A grant in Cognito has {_LONGEST_GROUP} characters at most", "choose another workspace")
    return list(grants)
