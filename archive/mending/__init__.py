"""What is damaged: found, repaired as far as the data allows, and said."""
