"""Vehicle search: a gallery of features on disk, and what is asked of it.

rows: what a gallery holds, and the four methods of any; lance: the one in a folder
(LanceDB, the extra `search`), with its columns and the words of its faults; folder: a
gallery with the net that it belongs to; fill: data sets, photographs and features into
it; query: from a photograph to what is like it; hints: why filters leave nothing;
rerank, probability: orders and odds of what is found; server: the page and the API.
"""
