"""Plain networks that map views to logits, and what loads their pretrained weights."""
