//! People at their desks: what they do is decided by the seed, and remembered as what has to come of it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use throughline_practice::desk::{Desk, Patch, Ticket};
use throughline_sdk::Timestamp;

use crate::chance::Chance;
use crate::scenario::{DESKS, ROUTE};

/// A comment that a person wrote.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) desk: usize,
    pub(crate) ticket: u64,
    pub(crate) request: String,
    pub(crate) id: u64,
    /// A word that stands in every version of it.
    pub(crate) token: String,
    /// A word that stands in its last version only.
    pub(crate) latest: String,
    pub(crate) edited: bool,
    pub(crate) deleted: bool,
    /// Turned internal.
    pub(crate) hidden: bool,
    /// When it was deleted or turned internal.
    pub(crate) withdrawn: Option<Timestamp>,
}

impl Said {
    /// Whether everybody whom it concerns may read it.
    pub(crate) fn is_public(&self) -> bool {
        !self.deleted && !self.hidden
    }
}

/// A word that is not for everybody.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    pub(crate) desk: usize,
    pub(crate) request: String,
    pub(crate) word: String,
    /// Said or attached for the desk's own staff, which a rule may let cross.
    pub(crate) for_staff: bool,
}

/// A file that a person attached.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    pub(crate) desk: usize,
    pub(crate) request: String,
    pub(crate) token: String,
}

/// Everything people did.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    /// Where each request was raised, by the word in its description.
    pub(crate) raised: BTreeMap<String, usize>,
    pub(crate) routed: BTreeSet<String>,
    pub(crate) said: Vec<Said>,
    pub(crate) attached: Vec<Attached>,
    /// The last value a person gave a field, by request, field and desk.
    pub(crate) values: BTreeMap<(String, &'static str), BTreeMap<usize, String>>,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) story: Vec<String>,
    words: u64,
}

/// The word by which a ticket is known on every desk.
pub(crate) fn request(ticket: &Ticket) -> Option<&str> {
    ticket.description.split_whitespace().find(|word| word.starts_with("request"))
}

pub(crate) fn value(ticket: &Ticket, field: &str) -> String {
    match field {
        "title" => ticket.title.clone(),
        "description" => ticket.description.clone(),
        "status" => ticket.status.clone(),
        "priority" => ticket.priority.clone(),
        custom => ticket.fields.get(custom).cloned().unwrap_or_default(),
    }
}

impl Deeds {
    fn word(&mut self, kind: &str) -> String {
        self.words += 1;
        format!("{kind}{:04}z", self.words)
    }

    /// Some people's titles have white space that a careless desk does not keep.
    fn title(&mut self, chance: &mut Chance) -> String {
        let word = self.word("title");
        if chance.hit(40) { format!("{word}  once  more") } else { word }
    }

    fn secret(&mut self, desk: usize, request: &str, for_staff: bool) -> String {
        let word = self.word("secret");
        self.secrets.push(Secret { desk, request: request.to_owned(), word: word.clone(), for_staff });
        word
    }

    /// Somebody raises a ticket.
    pub(crate) fn raise(&mut self, chance: &mut Chance, desk: usize, handle: &Desk) -> u64 {
        let (token, title) = (self.word("request"), self.title(chance));
        let routed = desk == 0 && chance.hit(50);
        let mut patch = Patch {
            title: Some(title),
            description: Some(format!("It is broken.\n\n {token}  since today")),
            kind: Some("Incident".to_owned()),
            ..Patch::default()
        };
        if chance.hit(50) {
            patch.priority = Some((*chance.pick(&["Low", "Normal", "High", "Urgent"])).to_owned());
        }
        if chance.hit(50) {
            patch.fields.insert("Asset".to_owned(), self.word("asset"));
        }
        if chance.hit(50) {
            patch.fields.insert("Private".to_owned(), self.secret(desk, &token, false));
        }
        if routed {
            patch.fields.insert("Route".to_owned(), ROUTE.to_owned());
            self.routed.insert(token.clone());
        }
        let number = handle.create("Ada", patch).expect("a desk takes a whole ticket");
        let ticket = handle.snapshot().ticket(number).cloned().expect("the ticket just raised");
        for field in ["title", "description", "status", "priority", "Asset"] {
            self.values.entry((token.clone(), field)).or_default().insert(desk, value(&ticket, field));
        }
        self.tell(desk, format!("raises #{number} {token}, routed: {routed}"));
        self.raised.insert(token, desk);
        number
    }

    #[expect(clippy::needless_pass_by_value, reason = "every caller has just made the text")]
    fn tell(&mut self, desk: usize, what: String) {
        self.story.push(format!("{}: {what}", DESKS[desk]));
    }

    /// Somebody does something at a desk.
    pub(crate) fn act(&mut self, chance: &mut Chance, desk: usize, handle: &Desk, now: Timestamp) {
        let tickets = handle.snapshot().tickets;
        if tickets.is_empty() || (self.raised.len() < 4 && chance.hit(12)) {
            self.raise(chance, desk, handle);
            return;
        }
        let ticket = chance.pick(&tickets).as_ref().clone();
        let Some(request) = request(&ticket).map(str::to_owned) else { return };
        match chance.below(100) {
            0..25 => drop(self.comment(chance, desk, handle, &ticket, &request)),
            25..35 => {
                let body = format!("for us only {}", self.secret(desk, &request, true));
                handle.comment("Bob", ticket.number, &body, true).expect("the ticket is there");
                self.tell(desk, format!("comments internally on {request}: {body}"));
            }
            35..43 => self.edit(chance, desk, handle),
            43..46 => self.delete(chance, desk, handle, now),
            46..48 => self.hide(chance, desk, handle, now),
            48..58 => self.attach(chance, desk, handle, &ticket, &request),
            58..68 => {
                let all: [&str; 7] =
                    ["New", "In progress", "Waiting", "On hold", "Solved", "Closed", "Cancelled"];
                let status = chance.pick(&all);
                self.set(desk, handle, &ticket, &request, "status", status);
            }
            68..76 => {
                let priority = *chance.pick(&["Low", "Normal", "High", "Urgent"]);
                self.set(desk, handle, &ticket, &request, "priority", priority);
            }
            76..82 => {
                let title = self.title(chance);
                self.set(desk, handle, &ticket, &request, "title", &title);
            }
            82..88 => {
                let asset = self.word("asset");
                self.set(desk, handle, &ticket, &request, "Asset", &asset);
            }
            88..92 => {
                let secret = self.secret(desk, &request, false);
                handle.set_field("Bob", ticket.number, "Private", &secret).expect("the ticket is there");
                self.tell(desk, format!("notes {secret} on {request}"));
            }
            _ if desk == 0 => {
                handle.set_field("Ada", ticket.number, "Route", ROUTE).expect("the ticket is there");
                self.tell(desk, format!("routes {request} to the third desk"));
                self.routed.insert(request);
            }
            _ => drop(self.comment(chance, desk, handle, &ticket, &request)),
        }
    }

    /// Somebody comments for everybody; answers the word in it.
    pub(crate) fn comment(
        &mut self,
        chance: &mut Chance,
        desk: usize,
        handle: &Desk,
        ticket: &Ticket,
        request: &str,
    ) -> String {
        let token = self.word("said");
        let space = chance.pick(&[" ", "  ", "\n", "\n\n "]);
        let body = format!("Please{space}note {token}{space}today");
        let id = handle.comment("Ada", ticket.number, &body, false).expect("the ticket is there");
        self.tell(desk, format!("comments on {request}: {token} (#{id})"));
        self.said.push(Said {
            desk,
            ticket: ticket.number,
            request: request.to_owned(),
            id,
            token: token.clone(),
            latest: token.clone(),
            edited: false,
            deleted: false,
            hidden: false,
            withdrawn: None,
        });
        token
    }

    fn own(&self, chance: &mut Chance, desk: usize) -> Option<usize> {
        let own: Vec<_> = (0..self.said.len())
            .filter(|place| self.said[*place].desk == desk && self.said[*place].is_public())
            .collect();
        if own.is_empty() { None } else { Some(*chance.pick(&own)) }
    }

    fn edit(&mut self, chance: &mut Chance, desk: usize, handle: &Desk) {
        let Some(place) = self.own(chance, desk) else { return };
        let latest = self.word("edited");
        let said = &mut self.said[place];
        let body = format!("Correction: {} {latest}", said.token);
        handle.edit_comment("Ada", said.ticket, said.id, &body).expect("the comment is there");
        said.latest = latest;
        said.edited = true;
        let told = format!("edits {} of {} to {}", said.token, said.request, said.latest);
        self.tell(desk, told);
    }

    fn delete(&mut self, chance: &mut Chance, desk: usize, handle: &Desk, now: Timestamp) {
        let Some(place) = self.own(chance, desk) else { return };
        let said = &mut self.said[place];
        handle.delete_comment("Ada", said.ticket, said.id).expect("the comment is there");
        said.deleted = true;
        said.withdrawn = Some(now);
        let told = format!("deletes {} of {}", said.token, said.request);
        self.tell(desk, told);
    }

    /// Somebody finds that a comment was not for everybody.
    fn hide(&mut self, chance: &mut Chance, desk: usize, handle: &Desk, now: Timestamp) {
        let Some(place) = self.own(chance, desk) else { return };
        let said = &mut self.said[place];
        handle.show_comment("Ada", said.ticket, said.id, true).expect("the comment is there");
        said.hidden = true;
        said.withdrawn = Some(now);
        let told = format!("makes {} of {} internal", said.token, said.request);
        self.tell(desk, told);
    }

    fn attach(&mut self, chance: &mut Chance, desk: usize, handle: &Desk, ticket: &Ticket, request: &str) {
        let internal = chance.hit(30);
        let token = if internal { self.secret(desk, request, true) } else { self.word("file") };
        let bytes = Bytes::from(format!("bytes of {token}"));
        let name = format!("{token}.txt");
        handle.attach("Ada", ticket.number, &name, bytes, internal).expect("the ticket is there");
        self.tell(desk, format!("attaches {name} to {request}"));
        if !internal {
            self.attached.push(Attached { desk, request: request.to_owned(), token });
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one deed with all that it is about")]
    fn set(
        &mut self,
        desk: usize,
        handle: &Desk,
        ticket: &Ticket,
        request: &str,
        field: &'static str,
        value: &str,
    ) {
        if field == "status" {
            handle.set_status("Ada", ticket.number, value).expect("the word is known");
        } else {
            handle.set_field("Ada", ticket.number, field, value).expect("the word is known");
        }
        self.tell(desk, format!("sets {field} of {request} to {value}"));
        let standing = if field == "status" { Some(&ticket.status) } else { ticket.fields.get(field) };
        if standing.is_some_and(|standing| standing == value) {
            // What stands there already, as our own write in doubt may by then, leaves no trace at a desk.
            return;
        }
        self.values.entry((request.to_owned(), field)).or_default().insert(desk, value.to_owned());
    }
}
