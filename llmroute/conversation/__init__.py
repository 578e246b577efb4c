"""Conversations on top of a router: history, tools, and what fits a model's window."""

from llmroute.conversation.conversation import Conversation
from llmroute.conversation.pruning import Pruned
from llmroute.conversation.streams import AsyncConversationStream, ConversationStream

__all__ = ["AsyncConversationStream", "Conversation", "ConversationStream", "Pruned"]
