//! What an operator sees: what loads, what every mistake is answered with, and that nothing panics.

pub(super) mod fixture;
mod grants;

use std::time::Duration;

use insta::assert_snapshot;
use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use throughline_sdk::{SystemName, Visibility};

use self::fixture::{FULL, Variables, read_text, read_texts};
use super::{LogFormat, load, value};
use crate::agreement::{Answer, Direction, Expression, OnLapse, Otherwise, Policy};
use crate::case::{AgreementName, Field, Level, PartyName, Status};

#[test]
fn a_full_file_becomes_the_rules_it_says() {
    let config = read_text(FULL).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.warnings.to_string(), "");
    assert_eq!(config.home, PartyName("contoso".into()));
    assert_eq!(config.listen, "127.0.0.1:9000".parse().unwrap());
    assert_eq!(config.log_format, LogFormat::Json);
    assert_eq!(config.reconcile, Duration::from_secs(12 * 3600));
    assert_eq!(config.data_dir, std::path::Path::new("etc/data"));
    assert_eq!(config.allow, ["10.1.0.0/16".parse().unwrap()]);
    assert_eq!(config.parties[&PartyName("fabrikam".into())].title, "fabrikam");

    let helpdesk = &config.systems[&SystemName::new("helpdesk")];
    assert_eq!(helpdesk.kind, "request-tracker");
    assert_eq!(helpdesk.poll, Duration::from_secs(90));
    assert_eq!(helpdesk.timeout, Duration::from_secs(30));
    assert_eq!(helpdesk.limits.per_second, Some(5));
    assert_eq!(helpdesk.limits.concurrency, 4);
    assert_eq!(helpdesk.max_file_bytes, Some(25_000_000));
    assert_eq!(helpdesk.settings.text("queue"), Some("General"));
    assert_eq!(helpdesk.settings.count("page"), Some(50));
    assert_eq!(helpdesk.settings.values["overlap"], 120);
    assert_eq!(helpdesk.settings.secret("token").unwrap().expose_secret(), "s3cr3t of RT_TOKEN");

    let rules = &config.rules.systems[&SystemName::new("helpdesk")];
    assert_eq!(rules.party_title, "Contoso Ltd");
    assert_eq!(rules.status.read["stalled"], Status::OnHold, "the operator's meaning goes before the kind's");
    assert_eq!(rules.status.read["resolved"], Status::Resolved, "the kind's other words stay");
    assert_eq!(rules.status.write[&Status::Open], "working", "marked, though not the first");
    assert_eq!(rules.status.write[&Status::Pending], "asking", "the first that is listed");
    assert_eq!(rules.status.write[&Status::Closed], "resolved", "the closest word of a desk without its own");

    let agreement = &config.rules.agreements[&AgreementName("fabrikam".into())];
    assert_eq!(agreement.comments, Direction::Both);
    assert_eq!(agreement.files, Direction::None, "what is not said is not shared");
    assert!(agreement.introduces.is_empty() && agreement.recheck);
    assert_eq!(agreement.internal, crate::agreement::Internal::None);
    assert_eq!(agreement.inbound.as_ref().unwrap().text(), "true");
    let outbound = agreement.outbound.as_ref().unwrap().asked();
    assert_eq!(outbound.kinds, ["Incident".to_owned()].into());
    assert_eq!(outbound.fields, ["Component".to_owned()].into());
    assert_eq!(agreement.require[0].message, "the component");
    let site = &agreement.fields[&Field::Custom("Site".into())];
    assert_eq!(site.otherwise, Some(Otherwise::Default("South".into())));
    let component = &agreement.fields[&Field::Custom("Component".into())];
    assert_eq!(component.inbound["Office"], "Büro");
    assert_eq!(component.otherwise, Some(Otherwise::AsItIs));
    assert_eq!(agreement.version.as_ref().unwrap().0.len(), 64);
    assert_eq!(agreement.fields[&Field::Priority].outbound["urgent"], "high");
    assert_eq!(agreement.fields[&Field::Custom("Component".into())].policy, Policy::Union);
    assert_eq!(agreement.fields[&Field::Title].direction, Direction::Both);
    assert_eq!(agreement.counterpart_type.as_deref(), Some("Support"));
}

#[test]
fn a_full_file_says_who_has_to_accept_and_who_is_to_resolve() {
    let config = read_text(FULL).unwrap_or_else(|problems| panic!("{problems}"));
    let agreement = &config.rules.agreements[&AgreementName("fabrikam".into())];
    let handshake = agreement.handshake.as_ref().unwrap();
    assert_eq!(handshake.direction, Direction::Both);
    assert_eq!(handshake.respond_within, Some(Duration::from_secs(4 * 3600)));
    assert_eq!((handshake.on_lapse, handshake.reminders), (OnLapse::Remind, 2));
    assert_eq!(handshake.words.accept, "ACCEPT");
    assert_eq!(handshake.words.need_info, "ASK");
    assert_eq!(handshake.tell_home, Some(Visibility::Internal));
    assert_eq!(handshake.field.as_deref(), Some("Acceptance"));
    assert_eq!(handshake.answer_of("Yes"), Some(Answer::Accepted));
    assert_eq!(handshake.answer_of("Later"), None);
    let [erp, rest] = config.rules.responsibility.rules.as_slice() else { panic!("two rules") };
    assert_eq!((erp.name.as_str(), erp.level), ("erp", Some(Level::Vendor)));
    assert_eq!(erp.when, Expression::compile(r#"ticket.title.contains("[ERP]")"#).unwrap());
    assert_eq!((&rest.when, &rest.owner), (&Expression::always(), &Some(PartyName("fabrikam".into()))));
}

#[test]
fn mistakes_in_handshakes_and_responsibilities_are_told() {
    assert_snapshot!(read_text(include_str!("tests/handshake.toml")).unwrap_err());
}

/// The words of the kinds are known without a configuration, and the operator's go before them.
#[test]
fn a_kind_brings_the_words_with_which_its_desk_answers() {
    for kind in crate::registry::KINDS {
        for (word, answer) in kind.answers.words {
            assert!(Answer::from_word(answer).is_some(), "{} {word} {answer}", kind.name);
            let known = kind.statuses.iter().any(|(status, _)| status == word);
            assert!(known || kind.answers.field.is_some(), "{} has no status {word}", kind.name);
        }
    }
    let answers = |kind: &str| crate::registry::kind(kind).unwrap().answers.words;
    assert!(answers("tsanet").contains(&("REJECTED", "rejected")));
    assert!(answers("tmf621").contains(&("pending", "information_requested")));
}

#[test]
fn all_mistakes_are_told_at_once() {
    assert_snapshot!(read_text(include_str!("tests/mistakes.toml")).unwrap_err());
}

#[test]
fn all_wrong_references_are_told_at_once() {
    assert_snapshot!(read_text(include_str!("tests/references.toml")).unwrap_err());
}

#[test]
fn mistakes_in_agreements_are_told_with_their_places() {
    let (main, _) = fixture::split();
    assert_snapshot!(read_texts(&[&main, include_str!("tests/agreement.toml")]).unwrap_err());
}

#[test]
fn what_cannot_be_referred_to_is_told_at_once() {
    assert_snapshot!(fixture::read_with_board(include_str!("tests/referred.toml")).unwrap_err());
}

#[test]
fn a_system_that_only_tells_is_referred_to_and_no_warning() {
    let (main, _) = include_str!("tests/referred.toml").split_once("[agreements.microsoft]").unwrap();
    let text = format!(
        "{main}[agreements.fabrikam]\nparty = \"fabrikam\"\nhome = \"helpdesk\"\ncounterpart = \"partner\"\n\
         comments = \"both\"\n[references.mail]\nsystem = \"outages\"\nhome = \"helpdesk\"\n\
         products = {{ Mail = \"Exchange Online\" }}\n"
    );
    let config = fixture::read_with_board(&text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.warnings.to_string(), "");
    let rule = &config.rules.references["mail"];
    assert_eq!(
        (rule.system.as_str(), rule.home.as_str(), &rule.field),
        ("outages", "helpdesk", &Field::Kind)
    );
    assert_eq!(rule.products["Mail"], "Exchange Online");
}

#[test]
fn a_claim_that_would_double_tickets_is_refused() {
    let text = include_str!("tests/claimed.toml");
    let without_offers = text.replace("route.outbound = \"true\"\n", "");
    let config = read_text(&without_offers).unwrap_or_else(|problems| panic!("{problems}"));
    let (interface, portal) = (SystemName::new("interface"), SystemName::new("portal"));
    assert_eq!(config.rules.claims, [(interface, portal)].into());
    for (text, words) in [
        (text.to_owned(), "each would be raised twice"),
        (format!("{without_offers}route.inbound = \"true\"\n"), "raised at home once more"),
        (without_offers.replace("claims = \"portal\"", "claims = \"interface\""), "its own tickets"),
        (
            without_offers.replace("claims = \"portal\"", "claims = \"helpdesk\""),
            "does not belong to fabrikam",
        ),
        (without_offers.replace("claims = \"portal\"", "claims = \"portals\""), "no system is called"),
    ] {
        let problems = read_text(&text).unwrap_err().to_string();
        assert!(problems.contains(words) && problems.contains("1 error, 0 warnings"), "{words}: {problems}");
    }
}

#[test]
fn mistakes_of_syntax_do_not_hide_the_others() {
    assert_snapshot!(read_text(include_str!("tests/syntax.toml")).unwrap_err());
}

#[test]
fn an_empty_file_says_what_is_missing() {
    assert_snapshot!(read_text("").unwrap_err());
}

#[test]
fn agreements_come_from_files_beside_the_main_one() {
    let (main, agreement) = fixture::split();
    let config = read_texts(&[&main, &agreement]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.rules.agreements.len(), 1);
    let twice = read_texts(&[FULL, &agreement, "[bridge]\nhome = \"contoso\"\n"]).unwrap_err();
    assert_snapshot!(twice);
}

#[test]
fn problems_are_also_json_and_in_colour() {
    let problems = read_text(&FULL.replace("poll = \"90s\"", "pol = \"90s\"")).unwrap_err();
    insta::assert_json_snapshot!(problems.to_json());
    assert!(problems.render(true).contains("\u{1b}[31;1merror\u{1b}[0m"));
    assert!(!problems.render(false).contains('\u{1b}'));
}

#[test]
fn no_secret_is_ever_repeated() {
    let reference = "token = { env = \"RT_TOKEN\" }";
    assert!(FULL.contains(reference));
    for wrong in [
        "token = \"HUNTER2\"",
        "token = 'HUNTER2",
        "token = \"HUNTER2\" x",
        "tokn = \"HUNTER2\"",
        "token = { env = \"HUNTER-2\" }",
        "token = { value = \"HUNTER2\" }",
        "token = [\"HUNTER2\"]",
        "token = { env = [\"HUNTER2\"] }",
        "url = \"https://me:HUNTER2@desk.example.com/\"",
        "links = { token = \"HUNTER2\" }",
        "inner = { token = \"HUNTER2\", page = 7 }",
        "tokn == \"HUNTER2\"",
        "token\n= \"HUNTER2\"",
        "token =\n\"HUNTER2\"",
        "url = \"ftp://me:HUNTER2@desk.example.com/\"",
    ] {
        let problems = read_text(&FULL.replace(reference, wrong)).unwrap_err();
        let all = format!("{problems}{problems:?}{}", problems.to_json());
        assert!(!all.contains("HUNTER"), "{wrong}: {all}");
    }
    let inline = "request-tracker = { url = 'https://x:HUNTER2@desk.example.com/', token = \"HUNTER2\", \
                  tokn = \"HUNTER2\", queue = 7, links = \"no\" }";
    let problems = read_text(&format!("[systems.one]\nparty = 'x'\n{inline}")).unwrap_err();
    assert_eq!(problems.to_string().matches("request-tracker = {").count(), 5, "{problems}");
    assert!(!problems.to_string().contains("HUNTER"), "{problems}");
    let problems = read_text(&FULL.replace("page = 50", "page = -5 # was HUNTER2")).unwrap_err();
    assert!(problems.to_string().contains("page = -5 …\n"), "{problems}");

    let config = read_text(FULL).unwrap();
    assert!(!format!("{config:?}").contains("s3cr3t"));
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("throughline.toml");
    let text = FULL.replace("{ env = \"RT_TOKEN\" }", "{ file = \"rt.token\" }");
    std::fs::write(&file, text).unwrap();
    let missing = load(&file, &Variables::All, &fixture::kinds()).unwrap_err().to_string();
    assert!(missing.contains("rt.token cannot be read"), "{missing}");

    let secret = folder.path().join("rt.token");
    std::fs::write(&secret, "from a file\n").unwrap();
    fixture::set_mode(&secret, 0o644);
    let config = load(&file, &Variables::All, &fixture::kinds()).unwrap();
    let token = config.systems[&SystemName::new("helpdesk")].settings.secret("token").unwrap();
    assert_eq!(token.expose_secret(), "from a file");
    assert!(config.warnings.to_string().contains("others than its owner may read this secret (mode 644)"));

    fixture::set_mode(&secret, 0o600);
    assert_eq!(load(&file, &Variables::All, &fixture::kinds()).unwrap().warnings.list, []);
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let problems = load(std::path::Path::new("nowhere/throughline.toml"), &Variables::All, &[]).unwrap_err();
    assert_snapshot!(problems);
}

#[test]
fn lengths_of_time_and_sizes() {
    for (text, seconds) in [("30s", 30), ("5m", 300), ("1h30m", 5400), ("2d", 172_800), (" 1 h ", 3600)] {
        assert_eq!(value::duration(text), Ok(Duration::from_secs(seconds)), "{text}");
    }
    for wrong in ["", "5", "m", "5 weeks", "-1s", "1.5h", "99999999999999999999s", "9999999d", "5m x"] {
        assert!(value::duration(wrong).is_err(), "{wrong}");
    }
    for (text, bytes) in [("25MB", 25_000_000), ("512KiB", 524_288), ("0B", 0), ("1 GiB", 1 << 30)] {
        assert_eq!(value::size(text), Ok(bytes), "{text}");
    }
    for wrong in ["", "25", "MB", "25mb", "1MB2", "99999999999999999GB"] {
        assert!(value::size(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let outcome = read_text(&text);
        prop_assert!(outcome.is_err());
        _ = outcome.unwrap_err().to_string();
    }

    #[test]
    fn no_change_to_a_good_file_makes_it_panic(at in 0..FULL.len(), length in 0usize..40, put in piece()) {
        let text = changed(FULL, at, length, &put);
        if let Err(problems) = read_text(&text) {
            prop_assert!(!problems.are_harmless());
            for problem in &problems.list {
                let spot = problem.spot.as_ref().unwrap();
                prop_assert!(spot.line <= text.matches('\n').count() + 1);
            }
            _ = problems.render(true);
        }
    }

    #[test]
    fn no_slip_beside_a_secret_shows_it(before in 0usize..30, length in 0usize..12, put in piece()) {
        let text = FULL.replace("{ env = \"RT_TOKEN\" }", "\"HUNTER2\"");
        let secret = text.find("HUNTER2").unwrap();
        for at in [secret - before, secret + "HUNTER2".len() + before] {
            let text = changed(&text, at, length.min(before), &put);
            let problems = read_text(&text).unwrap_err();
            let all = format!("{problems}{problems:?}");
            prop_assert!(!all.contains("HUNTER2"), "{text}\n{all}");
        }
    }
}

fn version(text: &str) -> String {
    let config = read_text(text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    config.rules.agreements.values().next().unwrap().version.clone().unwrap().0
}

/// Edits that only change how the file is written.
const SPELLINGS: [(&str, &str); 6] = [
    (
        "comments = \"both\"\ncounterpart_type = \"Support\"",
        "counterpart_type = 'Support' # for them\ncomments = \"both\"",
    ),
    ("policy = \"most_advanced\"", "direction = \"both\"\npolicy = \"most_advanced\""),
    ("ticket.type == \"Incident\" &&", "( ticket.type==\\\"Incident\\\" ) &&"),
    (
        "[agreements.fabrikam.fields.title]\n",
        "# The title.\n[agreements.fabrikam.fields.title]\ndirection = \"both\"\n",
    ),
    ("poll = \"90s\"", "poll = \"2m\""),
    ("{ low = \"low\", normal = \"normal\",", "{ normal = \"normal\", low = \"low\","),
];

/// Edits that change what is agreed.
const TERMS: [(&str, &str); 9] = [
    ("comments = \"both\"", "comments = \"outbound\""),
    ("counterpart_type = \"Support\"", "counterpart_type = \"Incident\""),
    ("ticket.priority >= \"high\"", "ticket.priority > \"high\""),
    ("inbound = \"true\"", "inbound = \"false\""),
    ("message = \"the component\"", "message = \"the part\""),
    ("policy = \"most_advanced\"", "policy = \"latest\""),
    ("urgent = \"high\" }", "urgent = \"normal\" }"),
    ("\"in triage\" = \"open\"", "\"in triage\" = \"new\""),
    ("{ default = \"South\" }", "\"park\""),
];

proptest! {
    #[test]
    fn a_version_tells_what_is_agreed_and_not_how_it_is_written(
        spelled in prop::collection::vec(any::<bool>(), SPELLINGS.len()),
        changed in prop::option::of(0..TERMS.len()),
    ) {
        let mut text = FULL.to_owned();
        if let Some(changed) = changed {
            let (from, to) = TERMS[changed];
            prop_assert!(text.contains(from), "{}", from);
            text = text.replacen(from, to, 1);
        }
        for ((from, to), spelled) in SPELLINGS.into_iter().zip(spelled) {
            if spelled {
                // In a text between double quotes the condition needs its own.
                let to = if to.contains('\\') { to.replace("\\\"", "\"") } else { to.to_owned() };
                text = text.replacen(from, &to, 1);
            }
        }
        prop_assert_eq!(version(&text) == version(FULL), changed.is_none(), "{}", text);
    }
}

/// Something that breaks a file where it is put.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\[\\]{}\"'=.,#\\na-z0-9\u{e9} ]{0,8}",
        Just("[systems.helpdesk]".to_owned()),
        Just("\"\"\"".to_owned()),
        Just("\r\n\t\u{0}".to_owned()),
    ]
}

/// The text with `put` in the place of about `length` bytes at `at`.
fn changed(text: &str, at: usize, length: usize, put: &str) -> String {
    let start = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap();
    let end = (at + length..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    format!("{}{put}{}", text.get(..start).unwrap(), text.get(end..).unwrap())
}
