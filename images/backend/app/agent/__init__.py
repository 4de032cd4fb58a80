"""The assistant: MCP tools, the agent that calls them, and a built-in model."""
