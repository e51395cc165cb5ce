"""Teaches Schemathesis the formats that the description gives to texts, with values that the demo knows."""

import schemathesis
from hypothesis import strategies as st

# The beginning of a list.
schemathesis.openapi.format("cursor", st.just("MA"))
schemathesis.openapi.format("case", st.sampled_from(["TL-1", "helpdesk:1", "partner:1", "TL-4711", "helpdesk:none", "x"]))
schemathesis.openapi.format("ticket", st.sampled_from(["helpdesk:1", "partner:1", "vendor:1", "helpdesk:4711", "TL-1", "x"]))
schemathesis.openapi.format("system", st.sampled_from(["helpdesk", "partner", "vendor", "x"]))
schemathesis.openapi.format("agreement", st.sampled_from(["fabrikam", "northwind", "x"]))
