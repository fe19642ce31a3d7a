"""What the documentation's site has besides docs/; mkdocs.yml names hooks.py."""
