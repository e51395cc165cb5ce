"""Corrects the published documents of TMF621 where they contradict themselves or the standards they stand on.

Each correction says what the document has and what is taken instead; one that meets nothing to correct is an error, so
that none outlives its defect. README.md beside this file lists them for people.
"""

import json
import sys

import yaml


def either_instead_of_exactly_one(document):
    """v5: `oneOf` over schemas that let each other's instances through, told apart by `@type` alone: a value with an id
    is an Attachment and an AttachmentRef at once, and no PartyRef is anything but a PartyRoleRef as well."""
    found = 0
    for schema in document["components"]["schemas"].values():
        if "oneOf" in schema and "discriminator" in schema:
            schema["anyOf"] = schema.pop("oneOf")
            found += 1
    return found


def what_a_parameter_holds(document):
    """v5: the description says that before and after hold an opaque cursor of the server and filter a JSONPath; the
    schema says any text."""
    found = 0
    for name, form in (("Before", "cursor"), ("After", "cursor"), ("Filter", "jsonpath")):
        schema = document["components"]["parameters"][name]["schema"]
        if schema.get("type") == "string" and "format" not in schema and "pattern" not in schema:
            schema["format"] = form
            found += 1
    return found


def integers_have_bounds(document):
    """v5: whole numbers without bounds; beyond 53 bits readers of JSON do not agree on them (RFC 8259, section 6)."""
    found = 0
    values = [document["components"]["schemas"]]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            if value.get("type") == "integer" and not {"format", "minimum", "maximum"} & value.keys():
                value.update(minimum=-(2**53) + 1, maximum=2**53 - 1)
                found += 1
            values.extend(value.values())
        elif isinstance(value, list):
            values.extend(value)
    return found


CORRECTIONS = {
    "v4": [],
    "v5": [either_instead_of_exactly_one, what_a_parameter_holds, integers_have_bounds],
}


def main(edition, source, target):
    with open(source, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    for correct in CORRECTIONS[edition]:
        found = correct(document)
        if not found:
            sys.exit(f"{correct.__name__}: {source} has nothing to correct any more; remove this correction")
        print(f"{edition}: {correct.__name__}: {found}")
    with open(target, "w", encoding="utf-8") as file:
        json.dump(document, file, default=str)


if __name__ == "__main__":
    main(*sys.argv[1:])
