//! Claiming: which comments and files of a ticket that was kept by hand stand on the one that takes its place. Pure.

use std::collections::{BTreeMap, BTreeSet};

use throughline_markup::same_words;
use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{Comment, CommentId, FileId, Ticket, Visibility};

use crate::case::{Fingerprint, Leg, Twin};

/// The shortest text that is recognized as part of a longer one.
const SHORTEST_PART: usize = 40;

/// What was found of the old ticket on the new one, and what on the new one is nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Twins {
    /// The old ticket's comments.
    pub comments: BTreeMap<CommentId, Option<Twin>>,
    /// The old ticket's files.
    pub files: BTreeMap<FileId, Option<FileId>>,
    /// Public comments of the new ticket that the old one does not have.
    pub new_comments: Vec<CommentId>,
    /// Public files of the new ticket that the old one does not have.
    pub new_files: Vec<FileId>,
}

/// Finds what the leg's ticket, kept by hand, and another ticket have in common.
///
/// A comment's twin is public and says the same, or one of the two is part of the other; of several the oldest, and each only once.
/// A file's twin is public and has its name and size.
pub fn twins(leg: &Leg, by_hand: &Ticket, other: &Ticket) -> Twins {
    let mut theirs: Vec<&Comment> =
        other.comments.iter().filter(|comment| comment.visibility == Visibility::Public).collect();
    theirs.sort_by_key(|comment| comment.created);
    // What was sent as internal has no twin that all may read.
    let known = |id| leg.shadow.comments.get(id).is_some_and(|seen| !seen.internal);
    let mut ours: Vec<&Comment> = by_hand.comments.iter().filter(|comment| known(&comment.id)).collect();
    ours.sort_by_key(|comment| comment.created);
    let mut comments: BTreeMap<CommentId, Option<Twin>> =
        leg.shadow.comments.keys().map(|id| (id.clone(), None)).collect();
    let mut taken: BTreeSet<&CommentId> = BTreeSet::new();
    // What says the same goes before what only contains it.
    for is_twin in [says_the_same, contains] {
        for comment in &ours {
            let found = comments.get_mut(&comment.id).filter(|twin| twin.is_none());
            let mut free = theirs.iter().filter(|other| !taken.contains(&other.id));
            if let (Some(place), Some(twin)) =
                (found, free.find(|other| words(comment).any(|text| is_twin(text, &other.body))))
            {
                taken.insert(&twin.id);
                let print = Fingerprint::of(&canonical_text(&twin.body));
                *place = Some(Twin { id: twin.id.clone(), print });
            }
        }
    }
    let new = theirs.iter().filter(|comment| !taken.contains(&comment.id));
    let new_comments = new.map(|comment| comment.id.clone()).collect();
    let (files, new_files) = files(leg, by_hand, other);
    Twins { comments, files, new_comments, new_files }
}

fn files(leg: &Leg, by_hand: &Ticket, other: &Ticket) -> (BTreeMap<FileId, Option<FileId>>, Vec<FileId>) {
    let mut files: BTreeMap<FileId, Option<FileId>> =
        leg.shadow.files.keys().map(|id| (id.clone(), None)).collect();
    let mut taken = BTreeSet::new();
    let known = |id| leg.shadow.files.get(id).is_some_and(|seen| !seen.internal);
    for file in by_hand.files.iter().filter(|file| known(&file.id)) {
        let public = other.files.iter().filter(|file| file.visibility == Visibility::Public);
        let mut free = public.filter(|other| !taken.contains(&other.id));
        let twin = free.find(|other| (&other.name, other.size) == (&file.name, file.size));
        if let (Some(place), Some(twin)) = (files.get_mut(&file.id), twin) {
            taken.insert(&twin.id);
            *place = Some(twin.id.clone());
        }
    }
    let public = other.files.iter().filter(|file| file.visibility == Visibility::Public);
    let new = public.filter(|file| !taken.contains(&file.id)).map(|file| file.id.clone()).collect();
    (files, new)
}

/// The text, and what follows the line that names its author: people may leave that out.
fn words(comment: &Comment) -> impl Iterator<Item = &str> {
    let said = comment.body.split_once(":\n\n").map(|(_, said)| said);
    std::iter::once(comment.body.as_str()).chain(said).filter(|text| !text.trim().is_empty())
}

fn says_the_same(left: &str, right: &str) -> bool {
    collapsed(left) == collapsed(right) || same_words(left, right)
}

fn contains(left: &str, right: &str) -> bool {
    let (left, right) = (collapsed(left), collapsed(right));
    let (short, long) = if left.len() < right.len() { (left, right) } else { (right, left) };
    short.chars().count() >= SHORTEST_PART && long.contains(&short)
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use throughline_sdk::{Person, RemoteId, SystemName, Timestamp};

    use super::*;
    use crate::case::{
        AgreementName, Approval, Case, CaseId, Claim, Fact, Field, Grant, GrantId, Granted, Item, Origin,
        PartyName, Reading, ReadingComment, Role,
    };

    fn at(second: usize) -> Timestamp {
        Timestamp::from_timestamp(1_700_000_000 + i64::try_from(second).unwrap(), 0).unwrap()
    }

    fn comment(id: &str, place: usize, body: &str) -> Comment {
        Comment {
            id: CommentId::new(id),
            author: Person { name: "Kim".to_owned() },
            body: body.to_owned(),
            visibility: Visibility::Public,
            created: at(place),
            marker: None,
        }
    }

    fn ticket(prefix: &str, bodies: &[&str]) -> Ticket {
        let comments = bodies.iter().enumerate();
        Ticket {
            id: RemoteId::new("7"),
            key: "7".to_owned(),
            version: None,
            url: None,
            title: String::new(),
            description: String::new(),
            status: String::new(),
            priority: None,
            kind: None,
            fields: BTreeMap::new(),
            requester: None,
            comments: comments
                .map(|(place, body)| comment(&format!("{prefix}{place}"), place, body))
                .collect(),
            files: Vec::new(),
            references: Vec::new(),
            marker: None,
            created: at(0),
            updated: at(100),
            lost: Vec::new(),
        }
    }

    fn desk(name: &str) -> SystemName {
        SystemName::new(name)
    }

    /// A case with a ticket at home and one in a portal that has these comments: each other one was written at home.
    fn case(by_hand: &Ticket) -> Case {
        let mut case = Case::new(CaseId(1), at(0));
        let mut say = |fact: Fact| case.apply(&fact, at(0));
        for (leg, role) in [("helpdesk", Role::Home), ("portal", Role::Counterpart)] {
            let (leg, party) = (desk(leg), PartyName(leg.to_owned()));
            say(Fact::Joined { leg, party, role, agreement: None, version: None });
        }
        for (place, comment) in by_hand.comments.iter().enumerate() {
            let home = format!("h{place}");
            let origin = match place % 2 {
                0 => Origin { system: desk("helpdesk"), id: home.clone() },
                _ => Origin { system: desk("portal"), id: comment.id.to_string() },
            };
            let print = Fingerprint::of(&comment.body);
            say(Fact::Remarked {
                origin: origin.clone(),
                author: "Kim".to_owned(),
                written: comment.created,
                body: comment.body.clone(),
                version: 1,
                internal: false,
            });
            for (leg, id) in [("helpdesk", home), ("portal", comment.id.to_string())] {
                let (origin, print) = (origin.clone(), print.clone());
                let read = ReadingComment {
                    id: CommentId::new(id),
                    origin,
                    print,
                    version: 1,
                    internal: false,
                    lost: Vec::new(),
                };
                let ticket = Some(RemoteId::new("1"));
                let reading = Reading { ticket, comments: vec![read], ..Reading::default() };
                say(Fact::Observed { leg: desk(leg), reading });
            }
        }
        case
    }

    fn pairs(by_hand: &[&str], other: &[&str]) -> (Vec<Option<String>>, Vec<String>) {
        let (by_hand, other) = (ticket("p", by_hand), ticket("v", other));
        let found = twins(&case(&by_hand).legs[&desk("portal")], &by_hand, &other);
        let twin = |twin: &Option<Twin>| twin.as_ref().map(|twin| twin.id.to_string());
        (
            found.comments.values().map(twin).collect(),
            found.new_comments.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn a_comment_is_found_by_what_it_says_whoever_is_said_to_have_said_it() {
        let some = |id: &str| Some(id.to_owned());
        assert_eq!(
            pairs(&["Ada (Contoso):\n\nPlease **look**.", "We did."], &["We  did.", "Please look."]),
            (vec![some("v1"), some("v0")], vec![])
        );
        let long = "The mailbox was moved to another region.";
        let longer = format!("Dear Ada,\n\n{long}\n\nKind regards, Kim");
        assert_eq!(
            pairs(&[long, "Yes."], &[&longer, "Yes, we do."]),
            (vec![some("v0"), None], vec!["v1".into()])
        );
        assert_eq!(pairs(&["Yes.", "Yes."], &["Yes."]), (vec![some("v0"), None], vec![]), "each only once");
        assert_eq!(pairs(&[], &["Yes."]), (vec![], vec!["v0".into()]));
    }

    #[test]
    fn what_the_other_desk_keeps_to_itself_is_no_twin_and_nothing_new() {
        let by_hand = ticket("p", &["Yes."]);
        for visibility in [Visibility::Internal, Visibility::Unknown] {
            let mut other = ticket("v", &["Yes.", "No."]);
            other.comments.iter_mut().for_each(|comment| comment.visibility = visibility);
            let found = twins(&case(&by_hand).legs[&desk("portal")], &by_hand, &other);
            assert!(found.comments.values().all(Option::is_none) && found.new_comments.is_empty());
        }
    }

    /// A claim by the vendor of the portal's ticket, with what both have in common.
    fn claimed(case: &mut Case, by_hand: &Ticket, other: &Ticket) {
        let Twins { comments, files, .. } = twins(&case.legs[&desk("portal")], by_hand, other);
        let claim = Claim {
            from: desk("portal"),
            to: desk("vendor"),
            agreement: AgreementName("vendor".to_owned()),
            ticket: other.id.clone(),
            updated: other.updated,
            comments,
            files,
        };
        case.apply(&Fact::Claimed(Box::new(claim)), at(1));
    }

    #[test]
    fn a_claim_takes_grants_along_as_they_stand() {
        let (by_hand, other) = (ticket("p", &["Yes."]), ticket("v", &["Yes."]));
        let mut case = case(&by_hand);
        let seen = Granted::Comment(Origin { system: desk("helpdesk"), id: "h9".to_owned() });
        for (number, leg, what) in [
            (1, "portal", Granted::InternalComments),
            (2, "portal", seen.clone()),
            (3, "other", Granted::Files),
            (4, "portal", Granted::Files),
        ] {
            let (grant, leg) = (GrantId(number), desk(leg));
            let asked = Fact::GrantAsked {
                grant,
                leg: leg.clone(),
                what,
                purpose: "root cause".to_owned(),
                until: at(500),
                by: "Kim".to_owned(),
                party_asks: true,
                public_if_must: false,
                environment: None,
            };
            let approval = Approval::Role { role: "lead".to_owned(), by: "Grace".to_owned() };
            let approved = Fact::GrantApproved { grant, leg: leg.clone(), approval, environment: None };
            let opened = Fact::GrantOpened { grant, leg: leg.clone() };
            let over = Fact::GrantExpired { grant, leg };
            let facts = [asked, approved, opened, over];
            // Asked for, open, approved, over.
            let told = [1, 3, 2, 4][usize::try_from(number - 1).unwrap()];
            facts.iter().take(told).for_each(|fact| case.apply(fact, at(0)));
        }
        let before = case.grants.clone();
        claimed(&mut case, &by_hand, &other);
        let legs: Vec<&str> = case.grants.values().map(|grant| grant.leg.as_str()).collect();
        assert_eq!(legs, ["vendor", "vendor", "other", "vendor"]);
        for (id, grant) in &case.grants {
            let same = Grant { leg: before[id].leg.clone(), ..grant.clone() };
            assert_eq!(same, before[id], "nothing of it but whose it is");
        }
        assert!(
            case.grants[&GrantId(2)].is_live(at(499)) && case.grants[&GrantId(2)].is_for(&desk("vendor"))
        );
        assert_eq!(case.grants[&GrantId(2)].what, seen, "what is shown is home's, and keeps its name");
    }

    #[test]
    fn what_waits_for_an_acceptance_waits_on_under_its_new_name() {
        let (by_hand, other) = (ticket("p", &["Yes.", "No.", "Perhaps."]), ticket("v", &["No."]));
        let mut case = case(&by_hand);
        let third = desk("third");
        let party = PartyName("third".to_owned());
        case.apply(
            &Fact::Joined {
                leg: third.clone(),
                party,
                role: Role::Counterpart,
                agreement: None,
                version: None,
            },
            at(0),
        );
        let origin = |system: &str, id: &str| Origin { system: desk(system), id: id.to_owned() };
        let waiting = [
            Item::Remark(origin("portal", "p1")),
            Item::Remark(origin("helpdesk", "h0")),
            Item::Attachment(origin("portal", "f1")),
            Item::LinkBack(desk("portal")),
            Item::LinkBack(desk("helpdesk")),
            Item::Field(Field::Title),
        ];
        for (leg, after) in [(&third, Some(desk("portal"))), (&desk("portal"), None)] {
            case.apply(&Fact::Offering { leg: leg.clone(), to: Role::Counterpart, after }, at(0));
            for item in &waiting {
                case.apply(&Fact::Waits { leg: leg.clone(), item: item.clone() }, at(0));
            }
        }
        claimed(&mut case, &by_hand, &other);
        let expected: BTreeSet<Item> = [
            Item::Remark(origin("vendor", "v0")),
            Item::Remark(origin("helpdesk", "h0")),
            Item::Attachment(origin("vendor", "portal f1")),
            Item::LinkBack(desk("vendor")),
            Item::LinkBack(desk("helpdesk")),
            Item::Field(Field::Title),
        ]
        .into();
        for leg in [&third, &desk("vendor")] {
            assert_eq!(case.legs[leg].offer.as_ref().unwrap().waiting, expected, "{leg}");
        }
        assert_eq!(case.legs[&third].offer.as_ref().unwrap().after, Some(desk("vendor")));
    }

    proptest! {
        #[test]
        fn a_claim_loses_no_comment_and_leaves_none_to_be_sent_again(
            by_hand in vec(0usize..5, 1..8),
            other in vec(0usize..5, 0..8),
        ) {
            const WORDS: [&str; 5] = ["Yes.", "No.", "Perhaps.", "Never.", "Always."];
            let said = |places: &[usize]| places.iter().map(|place| WORDS[*place]).collect::<Vec<_>>();
            let (by_hand, other) = (ticket("p", &said(&by_hand)), ticket("v", &said(&other)));
            let before = case(&by_hand);
            let found = twins(&before.legs[&desk("portal")], &by_hand, &other);
            let known: BTreeSet<_> = found.comments.values().flatten().map(|twin| twin.id.clone()).collect();
            prop_assert_eq!(known.len() + found.new_comments.len(), other.comments.len());
            let mut after = before.clone();
            claimed(&mut after, &by_hand, &other);
            prop_assert_eq!(after.document.remarks.len(), before.document.remarks.len());
            prop_assert!(after.document.remarks.keys().all(|origin| origin.system != desk("portal")));
            prop_assert_eq!(after.former.len(), 1);
            for leg in after.legs.values() {
                prop_assert_eq!(leg.shadow.comments.len(), by_hand.comments.len());
                for (origin, remark) in &after.document.remarks {
                    prop_assert!(leg.shadow.has_remark(origin, remark.version), "{:?}", origin);
                }
            }
            let vendor = &after.legs[&desk("vendor")];
            for twin in found.comments.values().flatten() {
                let seen = &vendor.shadow.comments[&twin.id];
                prop_assert!(!seen.gone && seen.seen == twin.print);
            }
            let stored: Case = serde_json::from_str(&serde_json::to_string(&after).unwrap()).unwrap();
            prop_assert_eq!(stored, after);
        }
    }
}
