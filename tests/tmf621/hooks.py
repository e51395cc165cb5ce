"""Teaches Schemathesis the formats that the documents name and JSON Schema does not know."""

import base64

import schemathesis
from hypothesis import strategies as st

# Of `content`, in both versions.
schemathesis.openapi.format("base64", st.binary(max_size=64).map(lambda some: base64.b64encode(some).decode()))
# A cursor as a Link of the face bears it: before or behind the first ticket.
schemathesis.openapi.format("cursor", st.just("WzEsW11d"))
schemathesis.openapi.format(
    "jsonpath",
    st.sampled_from(["$[?(@.status=='pending')]", "note[?(@.author=='Jack Smith')]", "attachment[?(@size==300)]"]),
)
