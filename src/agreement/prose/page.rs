//! Pages of plain blocks, written as Markdown and as one HTML file that needs nothing else.

use maud::html;

/// One block of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Title(String),
    Heading(String),
    Text(String),
    List(Vec<String>),
    Code(String),
    Table { head: Vec<String>, rows: Vec<Vec<String>> },
}

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
    table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #bbb;padding:.3rem .6rem;text-align:left;\
    vertical-align:top}pre{background:#f4f4f4;padding:.6rem;white-space:pre-wrap}";

pub(super) fn markdown(page: &[Block]) -> String {
    let mut parts = Vec::new();
    for block in page {
        parts.push(match block {
            Block::Title(text) => format!("# {}", plain(text)),
            Block::Heading(text) => format!("## {}", plain(text)),
            Block::Text(text) => plain(text),
            Block::List(items) => {
                items.iter().map(|item| format!("- {}", plain(item))).collect::<Vec<_>>().join("\n")
            }
            Block::Code(code) => {
                code.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
            }
            Block::Table { head, rows } => {
                let row = |cells: &[String]| {
                    format!("| {} |", cells.iter().map(|cell| plain(cell)).collect::<Vec<_>>().join(" | "))
                };
                let mut lines = vec![row(head), format!("|{}", "---|".repeat(head.len()))];
                lines.extend(rows.iter().map(|cells| row(cells)));
                lines.join("\n")
            }
        });
    }
    parts.join("\n\n") + "\n"
}

pub(super) fn html(page: &[Block]) -> String {
    let title = page.iter().find_map(|block| if let Block::Title(text) = block { Some(text) } else { None });
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n",
        escaped(title.map(String::as_str).unwrap_or_default())
    );
    for block in page {
        out.push_str(&match block {
            Block::Title(text) => format!("<h1>{}</h1>\n", escaped(text)),
            Block::Heading(text) => format!("<h2>{}</h2>\n", escaped(text)),
            Block::Text(text) => format!("<p>{}</p>\n", escaped(text)),
            Block::Code(code) => format!("<pre><code>{}</code></pre>\n", escaped(code)),
            Block::List(items) => {
                let items: String =
                    items.iter().map(|item| format!("<li>{}</li>\n", escaped(item))).collect();
                format!("<ul>\n{items}</ul>\n")
            }
            Block::Table { head, rows } => {
                let cells = |tag: &str, cells: &[String]| -> String {
                    cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect()
                };
                let rows: String =
                    rows.iter().map(|row| format!("<tr>{}</tr>\n", cells("td", row))).collect();
                format!(
                    "<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n",
                    cells("th", head)
                )
            }
        });
    }
    out.push_str("</body>\n</html>\n");
    out
}

/// A text that Markdown takes for nothing but text.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '|' | '#' | '&' => {
                out.push('\\');
                out.push(letter);
            }
            '\n' | '\r' => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    html! { (text) }.into_string()
}
