"""Teaches Schemathesis what stands in the two formats that corrected.py gives to parameters."""

import schemathesis
from hypothesis import strategies as st

# A cursor as a Link of the face bears it: before or behind the first ticket.
schemathesis.openapi.format("cursor", st.just("WzEsW11d"))
schemathesis.openapi.format(
    "jsonpath",
    st.sampled_from(["$[?(@.status=='pending')]", "note[?(@.author=='Jack Smith')]", "attachment[?(@size==300)]"]),
)
