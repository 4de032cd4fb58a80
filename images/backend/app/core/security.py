"""Verification of the tokens that the frontend's Better Auth issues."""

from dataclasses import dataclass

import jwt

ISSUER = "todo-chatbot"
AUDIENCE = "todo-chatbot-api"
_LEEWAY_SECONDS = 10  # clocks of two nodes differ a little


class InvalidTokenError(Exception):
    """The token proves nothing; str() says why, for the log only."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a verified token speaks for."""

    user_id: str


def verify(token: str, secret: str) -> Identity:
    """Check signature, algorithm, expiry, issuer and audience; raises InvalidTokenError."""
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "sub", "iss", "aud"]},
        )
    except jwt.PyJWTError as error:
        raise InvalidTokenError(type(error).__name__) from None
    user_id = claims["sub"]
    if not isinstance(user_id, str) or not user_id or "\x00" in user_id:
        raise InvalidTokenError("sub is not a user id")
    return Identity(user_id)
