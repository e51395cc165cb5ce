//! An archive holds what it should, every changed byte is noticed by both verifiers, and a party's archive holds
//! nothing of anybody else.

use std::process::Command;
use std::sync::Arc;

use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use throughline_sdk::{
    Changes, CommentId, Intent, IntentId, NewTicket, Operation, RemoteId, Subject, SystemName, Visibility,
};

use super::{Error, Verified, archive, evidence, verify};
use crate::case::{
    AgreementName, AgreementVersion, Approval, Case, CaseId, Fact, Field, Fingerprint, GrantId, Granted,
    Heard, Item, OfferState, Origin, PartyName, Reading, ReadingComment, Role,
};
use crate::ledger::note::{Signer, Verifier};
use crate::ledger::tests::{Counting, at, marker, now, parts, tell};
use crate::ledger::{Journal, MasterKey, MemoryMedium};
use crate::store::Store;
use crate::store::memory::MemoryStore;

/// What is in no archive of Acme's.
const SECRETS: &[&str] =
    &["TL-7", "globex", "Globex", "contoso", "helpdesk", "CANARY", "alice", "7-1", "overruled", "HD-"];

fn leg(name: &str) -> SystemName {
    SystemName::new(name)
}

fn joined(name: &str, party: &str, role: Role) -> Fact {
    let counterpart = role == Role::Counterpart;
    Fact::Joined {
        leg: leg(name),
        party: PartyName(party.into()),
        role,
        agreement: counterpart.then(|| AgreementName(format!("CANARY-agreement-{party}"))),
        version: counterpart.then(|| AgreementVersion("ab".repeat(32))),
    }
}

fn observed(name: &str, fields: &[(&str, &str)], comments: &[(&str, Origin, &str)]) -> Fact {
    let fields = fields.iter().map(|(field, value)| (field.parse::<Field>().unwrap(), (*value).to_owned()));
    let comments = comments.iter().map(|(id, origin, text)| ReadingComment {
        id: CommentId::new(*id),
        origin: origin.clone(),
        print: Fingerprint::of(text),
        version: 1,
        internal: false,
        lost: vec!["CANARY lost".into()],
    });
    let reading = Reading {
        ticket: Some(RemoteId::new(format!("{name}-ticket"))),
        fields: fields.collect(),
        agreed: [(Field::Title, Fingerprint::of("CANARY title"))].into(),
        comments: comments.collect(),
        ..Reading::default()
    };
    Fact::Observed { leg: leg(name), reading }
}

fn intended(name: &str, number: u32, item: Item, operation: Operation) -> Fact {
    let intent = Intent {
        id: IntentId::new(format!("TL-7-{number}")),
        ticket: Some(RemoteId::new(format!("{name}-ticket"))),
        operation,
        marker: marker(u64::from(number)),
        expected: None,
    };
    Fact::Intended { leg: leg(name), item, value: Some(Fingerprint::of("CANARY value")), intent }
}

fn effected(name: &str, number: u32, subject: Subject) -> Fact {
    let (leg, intent) = (leg(name), IntentId::new(format!("TL-7-{number}")));
    Fact::Effected { leg, intent, subject, found: false, lost: vec!["CANARY lost on the way".into()] }
}

fn origin(system: &str, id: &str) -> Origin {
    Origin { system: leg(system), id: id.into() }
}

fn comment(body: &str) -> Operation {
    Operation::Comment { body: body.into(), visibility: Visibility::Public }
}

fn remarked(system: &str, id: &str, body: &str) -> Fact {
    Fact::Remarked {
        origin: origin(system, id),
        author: format!("{system} writer"),
        written: at(3),
        body: body.into(),
        version: 1,
        internal: false,
    }
}

/// One case of three parties, with a canary wherever something is that Acme was never shown.
fn story() -> Vec<Vec<Fact>> {
    let create = |title: &str| {
        Operation::Create(NewTicket {
            title: title.into(),
            description: "It is down.".into(),
            status: None,
            priority: None,
            kind: None,
            fields: Default::default(),
        })
    };
    vec![
        vec![
            Fact::Opened,
            joined("helpdesk", "contoso", Role::Home),
            joined("acme-desk", "acme", Role::Counterpart),
            joined("globex-desk", "globex", Role::Counterpart),
            observed("helpdesk", &[("title", "CANARY as alice wrote it")], &[]),
            Fact::Changed {
                field: Field::Title,
                value: "CANARY as home has it".into(),
                leg: leg("helpdesk"),
                changed: at(1),
                overruled: [(leg("globex-desk"), "CANARY overruled".to_owned())].into(),
            },
            intended("acme-desk", 1, Item::Ticket, create("shown: the mail server")),
            intended("globex-desk", 2, Item::Ticket, create("CANARY for globex alone")),
            remarked("helpdesk", "c1", "CANARY an internal thought of alice"),
        ],
        vec![effected("acme-desk", 1, Subject::Ticket(RemoteId::new("acme-desk-ticket")))],
        vec![effected("globex-desk", 2, Subject::Ticket(RemoteId::new("globex-ticket")))],
        vec![
            observed(
                "acme-desk",
                &[("status", "shown: in Arbeit")],
                &[
                    ("a1", origin("acme-desk", "a1"), "said: we look into it"),
                    ("a2", origin("acme-desk", "a2"), "said of person-1"),
                    ("a3", origin("globex-desk", "g9"), "a copy"),
                ],
            ),
            remarked("acme-desk", "a1", "said: we look into it"),
            // What its people wrote names a pseudonym, and home's words name alice.
            remarked("acme-desk", "a2", "CANARY said of alice"),
            Fact::Withheld { leg: leg("acme-desk"), what: "comment:a9".into(), rule: "CANARY rule".into() },
        ],
        vec![
            intended(
                "acme-desk",
                3,
                Item::Remark(origin("globex-desk", "g1")),
                comment("shown: a word in between"),
            ),
            // Never sent: it was not public any more when its turn came.
            intended("acme-desk", 4, Item::Remark(origin("helpdesk", "c2")), comment("CANARY never sent")),
            intended(
                "globex-desk",
                5,
                Item::Remark(origin("acme-desk", "a1")),
                comment("CANARY sent to globex"),
            ),
            Fact::Offering { leg: leg("acme-desk"), to: Role::Counterpart, after: Some(leg("globex-desk")) },
            Fact::Handshake {
                leg: leg("acme-desk"),
                state: OfferState::Withdrawn,
                words: "CANARY globex took it on".into(),
                respond_by: None,
                heard: Heard::default(),
                answers_after: None,
            },
        ],
        vec![
            effected("acme-desk", 3, Subject::Comment(CommentId::new("a4"))),
            effected("globex-desk", 5, Subject::Comment(CommentId::new("g2"))),
            Fact::Dropped {
                leg: leg("acme-desk"),
                intent: IntentId::new("TL-7-4"),
                reason: "CANARY it is internal now".into(),
            },
        ],
        vec![
            Fact::GrantAsked {
                grant: GrantId(2),
                leg: leg("acme-desk"),
                what: Granted::Comment(origin("helpdesk", "c1")),
                purpose: "CANARY purpose".into(),
                until: at(90),
                by: "alice".into(),
                party_asks: true,
                public_if_must: false,
                environment: None,
            },
            Fact::GrantApproved {
                grant: GrantId(2),
                leg: leg("acme-desk"),
                approval: Approval::Role { role: "CANARY role".into(), by: "alice".into() },
                environment: None,
            },
            Fact::GrantOpened { grant: GrantId(2), leg: leg("acme-desk") },
            intended(
                "acme-desk",
                6,
                Item::Field(Field::Title),
                Operation::Update {
                    changes: Changes { title: Some("shown: a new title".into()), ..Changes::default() },
                },
            ),
        ],
        vec![effected("acme-desk", 6, Subject::Ticket(RemoteId::new("acme-desk-ticket")))],
    ]
}

fn signer() -> Signer {
    Signer::new("tests/throughline", &MasterKey::new([9; 32])).unwrap()
}

fn key() -> Verifier {
    signer().verifier()
}

async fn told() -> (Journal, Case) {
    let (medium, store) = (Arc::new(MemoryMedium::new()), Arc::new(MemoryStore::new()));
    let store: Arc<dyn Store> = store;
    let journal = Journal::open(parts(&medium, &store, &Arc::<Counting>::default())).await.unwrap();
    let agreed = Fact::Agreed {
        agreement: AgreementName("CANARY-agreement-acme".into()),
        version: AgreementVersion("ab".repeat(32)),
        document: serde_json::json!({ "CANARY": "terms" }),
    };
    crate::ledger::tests::note(&journal, vec![agreed]).await.unwrap();
    let mut case = None;
    for facts in story() {
        crate::ledger::tests::note(&journal, vec![crate::ledger::tests::hinted(1)]).await.unwrap();
        case = Some(tell(&journal, CaseId(7), facts).await.unwrap());
    }
    (journal, case.unwrap())
}

fn made(whose: Option<&str>) -> Result<Vec<u8>, Error> {
    now(async {
        let (journal, case) = told().await;
        let whose = whose.map(|whose| PartyName(whose.into()));
        evidence(&journal, &signer(), &case, whose.as_ref(), at(100)).await
    })
}

fn content(archive: &[u8], name: &str) -> String {
    let files = archive::unpack(archive, &key()).unwrap();
    let file = files.into_iter().find(|file| file.name == name).unwrap_or_else(|| panic!("no {name}"));
    String::from_utf8(file.content).unwrap()
}

#[test]
fn the_whole_case_is_proven() {
    let archive = made(None).unwrap();
    let verified = verify(&archive, &key()).unwrap();
    let facts: usize = story().iter().map(Vec::len).sum();
    let expected = Verified {
        log: "tests/throughline".into(),
        size: 17,
        records: 9,
        lines: 9,
        // The records' heads, their facts, and those of the record of the agreement.
        items: u64::try_from(9 + facts + 1).unwrap(),
        unproven: 0,
    };
    assert_eq!(verified, expected);
    assert_eq!(made(None).unwrap(), archive, "the same case gives the same bytes");
    let report = content(&archive, "report.html");
    for word in ["TL-7", "shown: the mail server", "CANARY an internal thought of alice", "globex-desk"] {
        assert!(report.contains(word), "{word}");
    }
    assert!(
        content(&archive, "README.txt").starts_with("Evidence about TL-7, from the log tests/throughline.")
    );
}

#[test]
fn a_party_is_given_what_it_was_shown_and_said_and_nothing_else() {
    let archive = made(Some("acme")).unwrap();
    let verified = verify(&archive, &key()).unwrap();
    assert_eq!((verified.lines, verified.unproven), (0, 0));
    let records = content(&archive, "records.jsonl");
    for word in [
        "shown: the mail server",
        "It is down.",
        "shown: in Arbeit",
        "said: we look into it",
        "shown: a word in between",
        "shown: a new title",
        "acme-desk-ticket",
        "withdrawn",
    ] {
        assert!(records.contains(word), "{word} is missing:\n{records}");
    }
    let all = String::from_utf8_lossy(&archive);
    for secret in SECRETS {
        let hits: Vec<&str> = all.lines().filter(|line| line.contains(secret)).collect();
        assert!(hits.is_empty(), "{secret}: {hits:?}");
    }
    for file in archive::unpack(&archive, &key()).unwrap() {
        assert!(!file.name.contains("agreement"), "{}", file.name);
    }
    insta::assert_snapshot!(parts_of(&records));
}

/// What stands in the items, without salts and proofs.
fn parts_of(records: &str) -> String {
    let mut lines = Vec::new();
    for line in records.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        for item in record["items"].as_array().unwrap() {
            lines.push(format!("{} {}", record["seq"], item["item"].as_str().unwrap()));
        }
    }
    lines.join("\n")
}

#[test]
fn nobody_is_told_of_what_others_were_shown() {
    let archive = made(Some("globex")).unwrap();
    let all = String::from_utf8_lossy(&archive);
    assert!(all.contains("CANARY for globex alone") && all.contains("CANARY sent to globex"));
    for secret in ["acme", "TL-7", "shown:", "said:", "never sent", "alice", "helpdesk"] {
        assert!(!all.contains(secret), "{secret}");
    }
    let error = made(Some("initech")).unwrap_err();
    assert!(matches!(error, Error::Stranger { .. }), "{error}");
}

#[test]
fn how_many_facts_a_record_has_is_not_told() {
    // Four facts with what may be given of them, or one: as many leaves, short of the next power of two.
    let records = content(&made(Some("acme")).unwrap(), "records.jsonl");
    let sizes: Vec<u64> = records
        .lines()
        .flat_map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            record["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["of"].as_u64().unwrap())
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(sizes.iter().all(|size| [8, 16].contains(size)) && sizes.contains(&8), "{sizes:?}");
}

/// Of a small archive, every byte.
#[test]
fn any_changed_byte_of_an_archive_is_noticed() {
    let mut files = archive::unpack(&made(Some("globex")).unwrap(), &key()).unwrap();
    files.retain(|file| ["checkpoint", "records.jsonl"].contains(&file.name.as_str()));
    for file in files.iter_mut().filter(|file| file.name == "records.jsonl") {
        let end = file.content.iter().position(|byte| *byte == b'\n').unwrap();
        file.content.truncate(end + 1);
    }
    let archive = archive::pack(&files, &signer()).unwrap();
    assert_eq!(verify(&archive, &key()).unwrap().records, 1);
    let mut bytes = archive.clone();
    for place in 0..bytes.len() {
        bytes[place] ^= 1 << (place % 8);
        assert!(verify(&bytes, &key()).is_err(), "byte {place}");
        bytes[place] = archive[place];
    }
    assert!(verify(&archive[..archive.len() - 1], &key()).is_err());
    assert!(verify(&[&archive[..], b"\0"].concat(), &key()).is_err());
    let other = Signer::new("tests/throughline", &MasterKey::new([8; 32])).unwrap().verifier();
    assert!(verify(&archive, &other).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Also where whoever signs is not to be trusted: what is proven stands without the signature over the archive.
    #[test]
    fn a_signed_forgery_is_noticed(at_item in any::<proptest::sample::Index>(), member in 0usize..6) {
        let archive = made_once();
        let mut files = archive::unpack(archive, &key()).unwrap();
        let records = files.iter_mut().find(|file| file.name == "records.jsonl").unwrap();
        let text = String::from_utf8(records.content.clone()).unwrap();
        let mut lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let at = at_item.index(lines.len());
        let line = &mut lines[at];
        match member {
            0 => line["seq"] = (line["seq"].as_u64().unwrap() + 1).into(),
            1 => line["leaf"]["hash"] = "00".repeat(32).into(),
            2 => line["line"] = line["line"].as_str().unwrap().replacen("opened", "0pened", 1).replacen(":7", ":8", 1).replacen("\"v\":3", "\"v\":2", 1).into(),
            3 => line["items"][1]["item"] = "{}".into(),
            4 => line["items"][0]["salt"] = "00".repeat(32).into(),
            _ => line["previous"] = "00".repeat(32).into(),
        }
        records.content = lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
        let forged = archive::pack(&files, &signer()).unwrap();
        prop_assert!(verify(&forged, &key()).is_err());
    }
}

fn made_once() -> &'static [u8] {
    static MADE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    MADE.get_or_init(|| made(None).unwrap())
}

/// The small verifier, over a good sample of bytes that has some of every part of the file.
#[test]
fn the_small_verifier_notices_any_changed_byte() {
    let folder = tempfile::tempdir().unwrap();
    for (name, whose) in [("whole.tar", None), ("acme.tar", Some("acme"))] {
        std::fs::write(folder.path().join(name), made(whose).unwrap()).unwrap();
    }
    let script = format!(
        "import sys, pathlib, random; sys.path.insert(0, {tests:?}); import verify\n\
         folder, key = pathlib.Path(sys.argv[1]), sys.argv[2]\n\
         for name in ('whole.tar', 'acme.tar'):\n\
         \x20   print(verify.evidence(str(folder / name), key))\n\
         data, damaged = (folder / 'acme.tar').read_bytes(), folder / 'damaged.tar'\n\
         places = [*range(0, len(data), 389), *range(505, 610, 3), *range(len(data) - 9, len(data))]\n\
         for place in places:\n\
         \x20   damaged.write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1:])\n\
         \x20   try:\n\
         \x20       verify.evidence(str(damaged), key)\n\
         \x20   except Exception:\n\
         \x20       continue\n\
         \x20   sys.exit(f'byte {{place}} was changed, and that was not noticed')\n\
         print(len(places), 'noticed')\n",
        tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests")
    );
    let run =
        Command::new("python3").arg("-c").arg(script).arg(folder.path()).arg(key().to_string()).output();
    let output = match run {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => panic!("{error}"),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("the first 17 records of the log tests/throughline"), "{said}");
}

#[test]
fn a_hostile_text_stays_text_in_the_report() {
    let hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}\"'&";
    let archive = now(async {
        let (medium, store) = (Arc::new(MemoryMedium::new()), Arc::new(MemoryStore::new()));
        let store: Arc<dyn Store> = store;
        let journal = Journal::open(parts(&medium, &store, &Arc::<Counting>::default())).await.unwrap();
        let mut facts = story().swap_remove(0);
        facts.push(remarked("helpdesk", "c9", hostile));
        facts.push(observed("acme-desk", &[("title", hostile)], &[]));
        let case = tell(&journal, CaseId(7), facts).await.unwrap();
        let acme = PartyName("acme".into());
        let whole = evidence(&journal, &signer(), &case, None, at(100)).await.unwrap();
        [whole, evidence(&journal, &signer(), &case, Some(&acme), at(100)).await.unwrap()]
    });
    for archive in archive {
        let report = content(&archive, "report.html");
        assert!(!report.contains("<script") && !report.contains("<img") && !report.contains('\u{202e}'));
        assert!(report.contains("&lt;script&gt;") && !report.contains("://"));
    }
}
