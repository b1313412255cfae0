"""The tables of a report: one definition each, printed as CSV, Markdown, LaTeX and for the page."""
