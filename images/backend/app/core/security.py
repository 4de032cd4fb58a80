"""Verification of the tokens that the frontend's Better Auth issues."""

from dataclasses import dataclass

import jwt

from app.models import USER_ID_MAX

ISSUER = "todo-chatbot"
AUDIENCE = "todo-chatbot-api"
_LEEWAY_SECONDS = 30  # clocks of two nodes differ a little
# The frontend issues them for so long. A session that ended must not live on in a token.
_LONGEST_SECONDS = 15 * 60
_LONGEST_TOKEN = 4096  # characters; a real one has 300


class InvalidTokenError(Exception):
    """The token proves nothing; str() says why, for the log only."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a verified token speaks for."""

    user_id: str


def verify(token: str, secret: str) -> Identity:
    """Check signature, algorithm, expiry, issuer and audience; raises InvalidTokenError."""
    if len(token) > _LONGEST_TOKEN:
        raise InvalidTokenError("it is too long")
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
    # PyJWT takes the JSON for granted: deep nesting or a huge number ends in an error of Python's.
    except (jwt.PyJWTError, ValueError, RecursionError, OverflowError, TypeError) as error:
        raise InvalidTokenError(type(error).__name__) from None
    if int(claims["exp"]) - int(claims["iat"]) > _LONGEST_SECONDS + _LEEWAY_SECONDS:
        raise InvalidTokenError("it is issued for too long")
    user_id = claims["sub"]
    if not isinstance(user_id, str) or not 0 < len(user_id) <= USER_ID_MAX or "\x00" in user_id:
        raise InvalidTokenError("sub is not a user id")
    return Identity(user_id)
