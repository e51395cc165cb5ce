//! Wiki markup as Jira's page on text formatting shows it, and what must not act.

use super::{read, write};
use crate::loss::Loss;

fn check(wiki: &str, text: &str, lost: &[Loss]) {
    let read = read(wiki);
    assert_eq!(read.text, text, "{wiki}");
    assert_eq!(read.lost, lost, "{wiki}");
}

#[test]
fn the_notation_reads() {
    check(
        "h1. Biggest heading\n*strong* _emphasis_ ??cite?? -deleted-",
        "# Biggest heading\n\n**strong** _emphasis_ _cite_ ~~deleted~~",
        &[],
    );
    check("a well-known snake_case 2*3 -5", "a well-known snake_case 2\\*3 -5", &[]);
    check("+inserted+ ^super^ {color:red}red{color}", "inserted super red", &[Loss::Color, Loss::Face]);
    check("{{monospaced}}", "`monospaced`", &[]);
    check("bq. Some text", "> Some text", &[]);
    check(
        "{quote}\nhere is *quotable*\n\ncontent\n{quote}\nafter",
        "> here is **quotable**\n>\n> content\n\nafter",
        &[],
    );
    check(
        "* some\n* bullet\n** points\n# and\n# numbers\n- dash",
        "- some\n- bullet\n  - points\n\n1. and\n2. numbers\n\n- dash",
        &[],
    );
    check(
        "a\\\\b\n----\n[Atlassian|http://atlassian.com] [http://a.test]",
        "a\nb\n\n***\n\n[Atlassian](http://atlassian.com) http://a.test",
        &[],
    );
    check("{code:title=Bar.java|borderStyle=solid}\nint a;\n{code}", "```\nint a;\n```", &[]);
    check("{code:xml}\n<a/>\n{code}\n{noformat}\n*x*\n{noformat}", "```xml\n<a/>\n```\n\n```\n*x*\n```", &[]);
    check("||a||b||\n|1|*2*|", "a | b\n1 | **2**", &[Loss::Table]);
    check(
        "!image.png|thumbnail! and !image.jpg|align=right, alt=it!",
        "![](image.png) and ![it](image.jpg)",
        &[],
    );
    check("foo{*}bar{*}baz", "foo**bar**baz", &[]);
    check("\\*not bold\\* [INFO] x [0]", "\\*not bold\\* [INFO] x [0]", &[]);
}

#[test]
fn people_and_macros_do_not_come_through() {
    check("[~bob] see [^file.txt] [top|#anchor]", "@bob see file.txt top", &[Loss::Mention, Loss::Link]);
    check("{panel:title=x}\ninside\n{panel}\n{toc}", "inside", &[Loss::Macro]);
    check("[x|javascript:alert(1)] {id} {unknown}", "x {id} {unknown}", &[Loss::Link]);
}

#[test]
fn no_text_is_markup_in_jira() {
    for (text, wanted) in [
        ("[\\~bob] {code} {color:red}", "\\[\\~bob] \\{code} \\{color:red}"),
        ("\\*x\\* -y- !a.png!", "\\*x* \\-y- \\!a.png!"),
        ("h1. x\nbq. y\n\\# z\n|a|", "h1\\. x\nbq\\. y\n\\# z\n\\|a|"),
        ("C:\\temp\\\\\\_x well-known 2 - 1", "C:\\temp&#92;\\_x well-known 2 - 1"),
        ("a:) (x) (on)", "a:) \\(x) \\(on)"),
        ("`a{b}`", "{{a&#123;b&#125;}}"),
        ("foo**bar**", "foo{*}bar{*}"),
    ] {
        let written = write(text);
        assert_eq!((written.text.as_str(), written.lost.len()), (wanted, 0), "{text}");
        assert_eq!(read(wanted).text, text);
    }
}
