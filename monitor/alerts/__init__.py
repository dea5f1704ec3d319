"""From incidents to people: who is told of what, when, in which words, and that it arrives."""
