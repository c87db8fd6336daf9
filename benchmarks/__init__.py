"""How fast, how light and how fair uploads are: measured, compared, drawn. See README.md."""
