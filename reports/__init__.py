"""The reader's room: from records to statistics, tables, figures and one page. Needs no torch."""
