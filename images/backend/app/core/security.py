"""Verification of the tokens that Better Auth in the frontend issues."""

from dataclasses import dataclass

import jwt

from app.models import USER_ID_MAX

ISSUER = "todo-chatbot"
AUDIENCE = "todo-chatbot-api"
_LEEWAY_SECONDS = 30  # for clocks that differ between nodes
# The lifetime that the frontend gives. A token must not outlive a session for long.
_LONGEST_SECONDS = 15 * 60
_LONGEST_TOKEN = 4096  # characters; a real token has about 300


class InvalidTokenError(Exception):
    """The token is not valid; str() gives the reason, for the log only."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The user of a verified token."""

    user_id: str


def verify(token: str, secret: str) -> Identity:
    """Check signature, algorithm, expiry, issuer and audience; raises InvalidTokenError."""
    if len(token) > _LONGEST_TOKEN:
        raise InvalidTokenError("the token is too long")
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
    # PyJWT does not check the JSON: deep nesting or a huge number raises an error of Python.
    except (jwt.PyJWTError, ValueError, RecursionError, OverflowError, TypeError) as error:
        raise InvalidTokenError(type(error).__name__) from None
    if int(claims["exp"]) - int(claims["iat"]) > _LONGEST_SECONDS + _LEEWAY_SECONDS:
        raise InvalidTokenError("the lifetime of the token is too long")
    user_id = claims["sub"]
    if not isinstance(user_id, str) or not 0 < len(user_id) <= USER_ID_MAX or "\x00" in user_id:
        raise InvalidTokenError("sub is not a user id")
    return Identity(user_id)
