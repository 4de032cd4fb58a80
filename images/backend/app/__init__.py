"""Backend of the Todo Chatbot: REST API, assistant and the MCP tools it works with."""

import os

# The agents SDK reads these when it is imported; its debug logs would hold what people write.
os.environ.setdefault("OPENAI_AGENTS_DONT_LOG_MODEL_DATA", "1")
os.environ.setdefault("OPENAI_AGENTS_DONT_LOG_TOOL_DATA", "1")
