"""The built-in model, used without an API key: deterministic rules, no network.

It reads a conversation and returns the next tool calls or the answer. It has no memory: earlier
questions and lists are read back from the text of the conversation.

The path of a message: text (quotes, spelling) → sentences, correcting → parts → reading, which calls
a reader for each kind of intent (adding, ending, changing, lists, stating) → planner, which resolves
todos (resolving, matching) and calls tools.
"""
