"""How long things may be; free of what is slow to import."""

TITLE_MAX = 200
DESCRIPTION_MAX = 1000
MESSAGE_MAX = 4000
ID_MAX = 2**31 - 1  # PostgreSQL's integer
