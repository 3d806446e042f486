"""People and machines who may have tokens: the stack's own user pool, its login pages, and the one client."""

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.settings import Settings

# A command line listens on the first of these that is free, because Cognito compares a callback whole, port included.
# Over plain HTTP it takes loopback addresses only (CreateUserPoolClient, CallbackURLs); 127.0.0.1, because "localhost"
# may be resolved to something else: https://www.rfc-editor.org/rfc/rfc8252#section-8.3
# None of those that systems take for outgoing connections, from 32768 on.
LOGIN_PORTS = (18250, 28250, 8250)
CALLBACKS = [f"http://127.0.0.1:{port}/callback" for port in LOGIN_PORTS]
# Of logout URLs AWS does not say that it takes 127.0.0.1, and no secret is sent to them.
LOGOUTS = [f"http://localhost:{port}/" for port in LOGIN_PORTS]


class Identity(Construct):
    def __init__(self, scope: Construct, name: str, *, settings: Settings) -> None:
        super().__init__(scope, name)
        self._settings = settings
        self.user_pool = cognito.UserPool(
            self,
            "UserPool",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            password_policy=cognito.PasswordPolicy(
                min_length=12, require_digits=True, require_lowercase=True, require_uppercase=True, require_symbols=True
            ),
            mfa=cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            deletion_protection=settings.deletion_protection,
            removal_policy=settings.removal_policy,
        )
        # Unique in the region, of all accounts.
        prefix = settings.user_pool_domain_prefix or f"{Stack.of(self).stack_name.lower()}-{Aws.ACCOUNT_ID}"
        self.domain = self.user_pool.add_domain(
            "Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=prefix)
        )
        self.client = self.user_pool.add_client(
            "Client",
            auth_flows=cognito.AuthFlow(user_srp=True),
            # Without a secret, which a command line could not keep: who sends PKCE's challenge with the request for a
            # code has to send its verifier for the token.
            generate_secret=False,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL],
                callback_urls=CALLBACKS,
                logout_urls=LOGOUTS,
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            prevent_user_existence_errors=True,
            access_token_validity=Duration.hours(1),
        )

    @property
    def trusted_issuer(self) -> str:
        """Whose access tokens count."""
        return self._settings.issuer or self._own_issuer

    @property
    def login_client_id(self) -> str | None:
        """The client with which people log in at the issuer; None if nobody has said it of another issuer than ours."""
        return self._settings.login_client_id if self._settings.issuer else self.client.user_pool_client_id

    @property
    def _own_issuer(self) -> str:
        return f"https://cognito-idp.{Stack.of(self).region}.amazonaws.com/{self.user_pool.user_pool_id}"
