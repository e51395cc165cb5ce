"""Finds the places of a Rust source where something can be taken out, and rewrites it so that each is chosen at run time.

One build then holds all mutants: `a && b` becomes `(out(7) || (a)) && (out(8) || (b))`, where `out` is true for the one
number that the environment names. Comments around each place keep its number, so that an error of the compiler is led
back to the place that caused it, which is then left out: this reader knows syntax and no types."""

import re
from dataclasses import dataclass

import tree_sitter
import tree_sitter_rust

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))

# Methods whose closure, or function by name, says yes or no.
ASKING = {"filter", "any", "all", "find", "is_some_and", "is_none_or", "is_ok_and", "take_while", "skip_while",
          "map_while", "retain", "position", "partition"}
# Methods that say yes or no.
SAYING = {"any", "all", "is_some_and", "is_none_or", "is_ok_and", "contains", "contains_key", "starts_with", "ends_with",
          "insert", "remove", "eq_ignore_ascii_case"}
COMPARED = {"==": ["!="], "!=": ["=="], "<": ["<=", ">"], ">": [">=", "<"], "<=": ["<", ">"], ">=": [">", "<"]}
RECKONED = {"+": "-", "-": "+", "*": "+", "/": "*", "%": "+"}
# What is no code, or is worked out by the compiler.
SKIPPED = {"macro_invocation", "macro_definition", "attribute_item", "inner_attribute_item", "const_item", "static_item",
           "type_arguments", "line_comment", "block_comment"}


@dataclass
class Place:
    """One thing that can be taken out: `name` tells a reader, without the line, which of the file's it is."""

    file: str
    line: int
    name: str
    number: int = 0
    edits: tuple = ()

    def __str__(self):
        return f"{self.file}:{self.line}: {self.name}"


class Reader:
    """Reads one file."""

    def __init__(self, file, source):
        self.file, self.source, self.places, self.function = file, source, [], []
        # What is made true or false: who notices that notices too when it is turned round.
        self.fixed = set()
        self.walk(PARSER.parse(source).root_node)
        seen = {}
        for place in self.places:
            seen[place.name] = seen.get(place.name, 0) + 1
            if seen[place.name] > 1:
                place.name += f" ({seen[place.name]})"

    def text(self, node):
        return self.source[node.start_byte:node.end_byte].decode()

    def short(self, node):
        text = " ".join(self.text(node).split())
        return text if len(text) <= 60 else text[:28] + " … " + text[-28:]

    def add(self, node, what, *edits):
        inside = f" in {'::'.join(self.function)}" if self.function else ""
        self.places.append(Place(self.file, node.start_point[0] + 1, f"{what}{inside}", edits=edits))

    def around(self, node, before, after):
        return ("around", node.start_byte, node.end_byte, before, after)

    # What a condition becomes.

    def fix(self, node):
        self.fixed.add((node.start_byte, node.end_byte))
        if node.type == "parenthesized_expression":
            self.fix(node.named_children[0])

    def is_fixed(self, node):
        return (node.start_byte, node.end_byte) in self.fixed

    def always(self, node):
        self.fix(node)
        self.add(node, f"`{self.short(node)}` is true", self.around(node, "(@ || (", "))"))

    def never(self, node):
        self.fix(node)
        self.add(node, f"`{self.short(node)}` is false", self.around(node, "(!@ && (", "))"))

    def turned(self, node):
        if self.is_fixed(node):
            return
        self.add(node, f"`{self.short(node)}` is turned round", self.around(node, "(@ != (", "))"))

    def condition(self, node):
        if node.type in ("let_condition", "let_chain"):
            return
        self.always(node)
        self.never(node)

    def walk(self, node):
        if node.type in SKIPPED:
            if node.type == "macro_invocation" and self.text(node).startswith("matches!"):
                self.turned(node)
            return
        kind = getattr(self, f"at_{node.type}", None)
        named = node.type in ("function_item", "impl_item", "mod_item", "trait_item")
        if named:
            if is_for_tests(node, self.source):
                return
            name = node.child_by_field_name("type" if node.type == "impl_item" else "name")
            self.function.append(re.sub(r"<.*", "", self.text(name)))
        if kind is None or kind(node) is not False:
            for child in node.children:
                if child.type not in ("match_pattern", "parameters", "closure_parameters", "let_condition"):
                    self.walk(child)
                elif child.type == "let_condition":
                    self.walk(child.child_by_field_name("value"))
                elif child.type == "match_pattern" and (asked := child.child_by_field_name("condition")) is not None:
                    self.condition(asked)
                    self.walk(asked)
        if named:
            self.function.pop()

    def at_function_item(self, node):
        modifiers = next((one for one in node.children if one.type == "function_modifiers"), None)
        if modifiers is not None and "const" in self.text(modifiers):
            return False
        body, returned = node.child_by_field_name("body"), node.child_by_field_name("return_type")
        if body is None:
            return False
        returned = " ".join(self.text(returned).split()) if returned is not None else "()"
        for value in values(returned):
            self.add(node, f"answers {value}", ("at", body.start_byte + 1, f" if @ {{ return {value}; }}"))
        return True

    def at_let_declaration(self, node):
        self.said(node.child_by_field_name("value"))
        # Types and patterns are no code.
        for child in (node.child_by_field_name("value"), node.child_by_field_name("alternative")):
            if child is not None:
                self.walk(child)
        return False

    def at_if_expression(self, node):
        self.condition(node.child_by_field_name("condition"))

    at_while_expression = at_if_expression

    def at_let_chain(self, node):
        for child in node.children:
            if child.type not in ("let_condition", "&&"):
                self.always(child)

    def at_binary_expression(self, node):
        left, operator, right = (node.child_by_field_name(one) for one in ("left", "operator", "right"))
        sign = self.text(operator)
        if sign in ("&&", "||"):
            for side in (left, right):
                if not (side.type == "binary_expression" and self.text(side.child_by_field_name("operator")) == sign):
                    (self.always if sign == "&&" else self.never)(side)
        elif sign in COMPARED:
            for other in COMPARED[sign][:1 if self.is_fixed(node) else None]:
                if {sign, other} == {"==", "!="}:
                    if self.is_fixed(node):
                        continue
                    edit = self.around(node, "(@ != (", "))")
                    self.add(node, f"`{sign}` is `{other}` in `{self.short(node)}`", edit)
                else:
                    self.instead(node, sign, other, "&")
        elif sign in RECKONED:
            self.instead(node, sign, RECKONED[sign], "")

    def instead(self, node, sign, other, by):
        operator = node.child_by_field_name("operator")
        edit = ("choice", node.start_byte, node.end_byte, operator.start_byte, operator.end_byte, by, sign, other)
        self.add(node, f"`{sign}` is `{other}` in `{self.short(node)}`", edit)

    def at_unary_expression(self, node):
        if self.text(node.children[0]) == "!":
            self.turned(node)

    def at_call_expression(self, node):
        called = node.child_by_field_name("function")
        if called.type != "field_expression":
            return
        method = self.text(called.child_by_field_name("field"))
        if method in ("then", "then_some"):
            self.condition(called.child_by_field_name("value"))
        asked = [one for one in node.child_by_field_name("arguments").children if one.is_named]
        if method in ASKING and len(asked) == 1:
            if asked[0].type == "closure_expression":
                self.condition(asked[0].child_by_field_name("body"))
            elif asked[0].type in ("identifier", "scoped_identifier"):
                one = asked[0]
                self.add(one, f"`{self.short(node)}` asks nothing", self.around(one, "|one| @ || (", ")(one)"))
                self.add(one, f"`{self.short(node)}` takes nothing", self.around(one, "|one| !@ && (", ")(one)"))

    def at_boolean_literal(self, node):
        self.turned(node)

    def at_match_arm(self, node):
        self.said(node.child_by_field_name("value"))

    def at_field_initializer(self, node):
        self.said(node.child_by_field_name("value"))

    def said(self, node):
        """A value that says yes or no, as far as can be told."""
        if node is None or node.type != "call_expression":
            return
        called = node.child_by_field_name("function")
        if called.type == "field_expression":
            method = self.text(called.child_by_field_name("field"))
            if method in SAYING or method.startswith(("is_", "has_", "may_")):
                self.turned(node)

    def at_match_block(self, node):
        arms = [one for one in node.children if one.type == "match_arm"]
        patterns = [one.child_by_field_name("pattern") for one in arms]
        if not patterns or self.text(patterns[-1]) not in ("_", "None", "Some(_)") and not re.fullmatch(r"_?[a-z]\w*", self.text(patterns[-1])):
            return
        if self.text(patterns[-1]) in ("None", "Some(_)"):
            return
        for pattern in patterns[:-1]:
            asked = pattern.child_by_field_name("condition")
            edit = ("at", pattern.end_byte, " if !@") if asked is None else self.around(asked, "!@ && (", ")")
            self.add(pattern, f"the arm `{self.short(pattern)}` is missing", edit)

    def at_expression_statement(self, node):
        inner = node.children[0]
        done = ("call_expression", "assignment_expression", "compound_assignment_expr", "return_expression",
                "continue_expression", "break_expression")
        if inner.type in done and self.text(node).endswith(";"):
            self.add(node, f"`{self.short(node)}` is not done", self.around(node, "if !@ { ", " }"))


def values(returned):
    """What a function of this type may answer instead."""
    if returned == "bool":
        return ["true", "false"]
    if returned in ("()", ""):
        return ["()"]
    if returned.startswith("Option<"):
        return ["None"]
    if returned.startswith("Result<(),"):
        return ["Ok(())"]
    if returned.startswith("&") or returned.startswith(("impl ", "Result<")):
        return ['""'] if re.fullmatch(r"&('\w+ )?str", returned) else []
    return ["Default::default()"]


def is_for_tests(node, source):
    before = node.prev_sibling
    while before is not None and before.type in ("attribute_item", "line_comment"):
        if re.search(rb"#\[(cfg\(test\)|test)\]", source[before.start_byte:before.end_byte]):
            return True
        before = before.prev_sibling
    return False


def rewrite(source, places):
    """The source with each of these places chosen by its number."""
    opening, closing, here, signs, choices = {}, {}, {}, {}, {}

    def around(order, numbers, start, end, before, after):
        marks = "".join(f"/*<{number}*/" for number in numbers), "".join(f"/*{number}>*/" for number in reversed(numbers))
        opening.setdefault(start, []).append((-end, order, marks[0] + before))
        closing.setdefault(end, []).append((-start, -order, after + marks[1]))

    # Places of one expression nest in the order in which they were found.
    for order, place in enumerate(places):
        call = f"crate::out({place.number})"
        for kind, *edit in place.edits:
            if kind == "around":
                start, end, before, after = edit
                around(order, [place.number], start, end, before.replace("@", call), after)
            elif kind == "at":
                text = edit[1].replace("@", call)
                here.setdefault(edit[0], []).append(f"/*<{place.number}*/{text}/*{place.number}>*/")
            else:
                choices.setdefault(tuple(edit[:6]), []).append((order, place.number, call, edit[6]))
    # What one operator may become instead shares the operands.
    for (start, end, sign_at, sign_end, by, sign), others in choices.items():
        chain = "".join(f"if {call} {{ l {other} r }} else " for _, _, call, other in others)
        after = f")) {{ (l, r) => {chain}{{ l {sign} r }} }})"
        around(others[0][0], [number for _, number, _, _ in others], start, end, f"(match ({by}(", after)
        signs[sign_at] = (sign_end, f"), {by}(")
    out, position = [], 0
    for mark in sorted({*opening, *closing, *here, *signs}):
        out.append(source[position:mark].decode())
        position = mark
        out.extend(text for *_, text in sorted(closing.get(mark, [])))
        out.extend(here.get(mark, []))
        out.extend(text for *_, text in sorted(opening.get(mark, [])))
        if mark in signs:
            position, text = signs[mark]
            out.append(text)
    out.append(source[position:].decode())
    return "".join(out)
