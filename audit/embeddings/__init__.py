"""From images to templates and acquisition status; past this room no image, name or path goes."""

from audit.embeddings.embedding_set import UNLABELLED, EmbeddingSet

__all__ = ["UNLABELLED", "EmbeddingSet"]
