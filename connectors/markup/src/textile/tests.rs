//! Textile as Redmine's page on text formatting shows it, and what must not act.

use super::{read, write};
use crate::loss::Loss;

const J: &str = "\u{2060}";

fn check(textile: &str, text: &str, lost: &[Loss]) {
    let read = read(textile);
    assert_eq!(read.text, text, "{textile}");
    assert_eq!(read.lost, lost, "{textile}");
}

#[test]
fn the_documented_formatting_reads() {
    check(
        "*bold* _italic_ _*bold italic*_ -strike-through- @inline code@",
        "**bold** _italic_ **_bold italic_** ~~strike-through~~ `inline code`",
        &[],
    );
    check("+underline+ %{color:red}red% ??cite??", "underline red _cite_", &[Loss::Color, Loss::Face]);
    check(
        "h2. Heading\n\np(right). text\n\nbq. quoted\nlines",
        "## Heading\n\ntext\n\n> quoted\n> lines",
        &[],
    );
    check("> one\n>> two\n> three\n\nafter", "> one\n>\n> > two\n>\n> three\n\nafter", &[]);
    check("* Item 1\n* Item 2\n** Sub\n# n\nbelow", "- Item 1\n- Item 2\n  - Sub\n\n1. n\n   below", &[]);
    check(
        "\"Redmine\":http://www.redmine.org, \"x (title)\":https://a.test/b.",
        "[Redmine](http://www.redmine.org), [x](https://a.test/b).",
        &[],
    );
    check(
        "!shot.png! !my%20file.png(it)! !https://a.test/x.png!",
        "![](shot.png) ![it](<my file.png>) [x.png](https://a.test/x.png)",
        &[Loss::Image],
    );
    check(
        "<pre>\n*x* &lt;\n</pre>\n<pre><code class=\"ruby\">\nputs 1\n</code></pre>",
        "```\n*x* &lt;\n```\n\n```ruby\nputs 1\n```",
        &[],
    );
    check("|_. a|_. b|\n|1|*2*|", "a | b\n1 | **2**", &[Loss::Table]);
    check(
        "one\ntwo\n\n---\n\nsnake_case 2*3 well-known -5",
        "one\ntwo\n\n***\n\nsnake_case 2\\*3 well-known -5",
        &[],
    );
    check("&copy; ==*x*== <notextile>_y_</notextile>", "© \\*x\\* \\_y\\_", &[]);
}

#[test]
fn what_only_redmine_knows_is_told() {
    check(
        "{{toc}} [[Guide]] [[Guide|the guide]] !{{x}} !#12 #12",
        "Guide the guide {{x}} #12 #12",
        &[Loss::Macro, Loss::Link],
    );
    check("{{thumbnail(a.png, size=300)}} \"here\":/issues/7", "![](a.png) here", &[Loss::Link]);
    check("\"x\":javascript:alert(1) @bob a@b.test", "\"x\":javascript:alert(1) @bob a@b.test", &[]);
}

#[test]
fn no_text_is_markup_in_redmine() {
    for (text, wanted) in [
        ("{{include(x)}} [[Page]]", format!("{J}{{{J}{{include(x)}}}} [{J}[Page]]")),
        ("#12 @bob a@b.test user:bob", format!("{J}#{J}12 &#64;bob a@b.test user:{J}bob")),
        ("\\*x\\* well-known snake_case", format!("{J}*x* well-known snake_case")),
        ("\\<pre> \\<script> 1 < 2", "&lt;pre> &lt;script> 1 < 2".to_owned()),
        ("h1. x\nbq. y\n|a|", format!("{J}h1. x\n{J}bq. y\n{J}|a|")),
        ("a **b** _c_ `d@e`", "a *b* _c_ @d&#64;e@".to_owned()),
        ("[x](https://a.test/y) z", "\"x\":https://a.test/y z".to_owned()),
    ] {
        let written = write(text);
        assert_eq!((written.text.as_str(), written.lost.len()), (wanted.as_str(), 0), "{text}");
        check(&wanted, text, &[]);
    }
    assert_eq!(write("foo**bar**").lost, [Loss::Formatting]);
    assert_eq!(write("[x](https://a.test/y)z").lost, [Loss::Address]);
}
