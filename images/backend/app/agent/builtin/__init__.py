"""A deterministic model for when there is no key: rules instead of weights, no network.

It reads the conversation, says which tool to call next or what to answer, and remembers nothing:
what an earlier turn asked or showed is read back from the conversation's own text.
"""
