"""Maximum lengths, in a module without slow imports."""

TITLE_MAX = 200
DESCRIPTION_MAX = 1000
MESSAGE_MAX = 4000
ID_MAX = 2**31 - 1  # the largest integer of PostgreSQL
