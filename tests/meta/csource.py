"""A small reader of our own C: enough to find functions and to measure them.

It relies on what clang-format guarantees (a function's closing brace stands in column 0) and on
nothing else about layout.
"""
import re

KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "do", "else", "case"}


def blank(text):
    """The text with comments, strings and character constants blanked; line breaks stay."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def hide(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return re.sub(pattern, hide, text, flags=re.S)


def without_preprocessor(text):
    """Directives (with their continuation lines) blanked."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.M)


class Function:
    def __init__(self, name, line, parameters, body):
        self.name, self.line, self.body = name, line, body
        self.lines = body.count("\n") + 1
        parameters = parameters.strip()
        self.parameters = 0 if parameters in ("", "void") else top_level_commas(parameters) + 1
        self.nesting = nesting(body)
        self.complexity = 1 + len(re.findall(r"\b(?:if|for|while|case)\b|&&|\|\||\?", body))


def top_level_commas(text):
    depth = count = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        count += char == "," and depth == 0
    return count


def nesting(body):
    """Depth of control structures: braces that open a block after if, for, while, switch, do or else."""
    depth, deepest, stack = 0, 0, []
    for match in re.finditer(r"[{}]", body):
        if match.group() == "{":
            before = body[: match.start()].rstrip()
            control = bool(re.search(r"\b(?:else|do)$", before)) or (before.endswith(")") and is_control(before))
            stack.append(control)
            depth += control
            deepest = max(deepest, depth)
        elif stack:
            depth -= stack.pop()
    return deepest


def is_control(before):
    depth = 0
    for index in range(len(before) - 1, -1, -1):
        depth += (before[index] == ")") - (before[index] == "(")
        if depth == 0:
            return bool(re.search(r"\b(?:if|for|while|switch)\s*$", before[:index]))
    return False


def functions(text):
    """Every function definition of a blanked text."""
    text = without_preprocessor(text)
    found = []
    for match in re.finditer(r"^\{\n", text, flags=re.M):
        end = text.find("\n}", match.start())
        head_start = max(text.rfind(c, 0, match.start()) for c in ";}") + 1
        head = text[head_start : match.start()].rstrip()
        if not head.endswith(")") or end < 0:
            continue
        depth = 0
        for index in range(len(head) - 1, -1, -1):
            depth += (head[index] == ")") - (head[index] == "(")
            if depth == 0:
                break
        name = re.search(r"(\w+)\s*$", head[:index])
        if name and name.group(1) not in KEYWORDS:
            body = text[match.start() : end + 2]
            found.append(Function(name.group(1), text.count("\n", 0, match.start()) + 1, head[index + 1 : -1], body))
    return found
