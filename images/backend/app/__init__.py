"""Backend of the Todo Chatbot: REST API, assistant, and the assistant's MCP tools."""

import os

# The agents SDK reads these at import. Without them its debug logs contain what people write.
os.environ.setdefault("OPENAI_AGENTS_DONT_LOG_MODEL_DATA", "1")
os.environ.setdefault("OPENAI_AGENTS_DONT_LOG_TOOL_DATA", "1")
