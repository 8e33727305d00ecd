"""A small made-up world, told in English sentences: text to train and score tiny models on."""
