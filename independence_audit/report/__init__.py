"""Renderers of the audit report: JSON, text, Markdown and HTML, worded from the catalogues."""
