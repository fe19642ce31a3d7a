"""The report: results, pictures and where they are from, on one page.

Sections are pure functions from inputs to content.Section, writer turns all of them
into files. The same inputs give the same bytes.
"""
