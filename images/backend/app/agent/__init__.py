"""The assistant: MCP tools, the agent that uses them, and a model for when there is no key."""
