"""Results and published rows -> boards, tables, a static site; the audit of published rows."""
