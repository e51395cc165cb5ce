//! HTML as desks and mail programs write it.

use super::{read, write};
use crate::loss::Loss;

fn check(html: &str, text: &str, lost: &[Loss]) {
    let read = read(html);
    assert_eq!(read.text, text, "{html}");
    assert_eq!(read.lost, lost, "{html}");
}

#[test]
fn an_editor_s_html_reads_as_markdown() {
    check(
        "<p>Hello &amp; <b>welcome</b>,</p>\n<p>see:</p><ul><li>one</li><li>two &lt;2&gt;</li></ul>a<br />b",
        "Hello & **welcome**,\n\nsee:\n- one\n- two <2>\n\na\nb",
        &[],
    );
    check("<h2>A <i>b</i></h2><blockquote><p>said</p></blockquote><hr>", "## A _b_\n\n> said\n\n***", &[]);
    check("<ol start=3><li>a<ul><li>b</ul><li>c</ol>", "3. a\n   - b\n4. c", &[]);
    check(
        "<pre><code class=\"language-rust\">fn a() {}\n\n  b</code></pre>",
        "```rust\nfn a() {}\n\n  b\n```",
        &[],
    );
    check("<p>run <code>a  `b`</code> <del>now</del></p>", "run `` a `b` `` ~~now~~", &[]);
    check("<a href=\"https://a.test/?b=1&amp;c\">y</a>", "[y](https://a.test/?b=1&c)", &[]);
    check("<a href=\"https://a.test/b_c\">https://a.test/b_c</a>", "<https://a.test/b_c>", &[]);
    check("<p><b>bold </b>and <b> more</b></p>", "**bold** and **more**", &[]);
}

#[test]
fn nothing_that_runs_hides_or_calls_home_comes_through() {
    check(
        "<style>p{}</style><script>alert(1)</script>x<!-- <b> --><a href='javascript:alert(1)'>z</a>\
         <img src=https://t.test/1.gif width=1 height=1><span style='display:none'>preview</span>\
         <b onclick=\"alert(1)\">y</b>",
        "xz**y**",
        &[Loss::Link],
    );
    check("a<iframe src=https://a.test></iframe>b<svg><text>c</text></svg>", "ab", &[Loss::Macro]);
    check("<a href=\"java&#10;script:alert(1)\">a</a>", "a", &[Loss::Link]);
}

#[test]
fn what_is_lost_is_told_once() {
    check(
        "<p><span style=\"color:red\">a</span> <font color=red>b</font> <u>c</u></p>",
        "a b c",
        &[Loss::Color, Loss::Face],
    );
    check(
        "<table><tr><th>a<th>b<tr><td>1<td>2</table><table><tr><td>3<td>4</table>",
        "a | b\n1 | 2\n\n3 | 4",
        &[Loss::Table],
    );
    check("<table><tr><td>layout</td></tr></table>", "layout", &[]);
    check(
        "<img src=\"https://a.test/x/y.png\" alt=\"a cat\">",
        "[a cat](https://a.test/x/y.png)",
        &[Loss::Image],
    );
    check("<input type=checkbox checked> done", "[x] done", &[Loss::Task]);
}

#[test]
fn pictures_of_the_ticket_keep_their_place() {
    let files = |source: &str| (source == "cid:1@a").then(|| "shot 1.png".to_owned());
    let read = super::read_with("see <img src=\"cid:1@a\" alt=\"the screen\">", &files);
    assert_eq!((read.text.as_str(), read.lost.len()), ("see ![the screen](<shot 1.png>)", 0));
    let written = super::write_with(&read.text, &|name| Some(format!("/files/{name}")));
    assert_eq!(written.text, "<p>see <img src=\"/files/shot 1.png\" alt=\"the screen\" /></p>");
    assert_eq!(write(&read.text).lost, [Loss::Image]);
}

#[test]
fn html_in_canonical_text_is_text() {
    assert_eq!(
        write("<img src=x onerror=alert(1)> &amp; <b>").text,
        "<p>&lt;img src=x onerror=alert(1)&gt; &amp; &lt;b&gt;</p>"
    );
}

#[test]
fn mail_programs_html_reads() {
    // As Outlook writes it.
    check(
        "<html xmlns:o=\"urn:x\"><head><meta charset=utf-8><style>@page{}</style></head><body lang=DE>\
         <div class=WordSection1><p class=MsoNormal>Hallo,<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p>\
         <p class=MsoNormal><b><span style='color:black'>Gruß</span></b></p></div></body></html>",
        "Hallo,\n\n**Gruß**",
        &[],
    );
}
