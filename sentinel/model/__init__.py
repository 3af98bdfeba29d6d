"""The nouns that travel between the stages: frozen values without behaviour of their own."""
