//! What can be told of a manifest before its first request: names that no expression sees, and what makes no sense.

use std::collections::BTreeMap;

use crate::expression::{Expression, Template, Unevaluated};
use crate::manifest::{
    Authentication, Class, Condition, Files, Manifest, Pages, Signature, VisibilityRule, Word,
};
use crate::request::Line;
use crate::{config, words};

/// The names of every expression.
const COMMON: &[&str] = &["settings", "user"];
/// The names of an answer.
const ANSWER: &[&str] = &["answer", "code", "headers"];
/// The names of a request that has pages.
const PAGES: &[&str] = &["page", "size", "offset", "cursor"];

/// Every expression that uses a name which is not there, or asks for what the language does not have.
pub(crate) fn expressions(manifest: &Manifest) -> Vec<Unevaluated> {
    let mut names = Names::default();
    names.manifest(manifest);
    names.wrong
}

#[derive(Default)]
struct Names {
    wrong: Vec<Unevaluated>,
}

impl Names {
    fn expression(&mut self, expression: &Expression, more: &[&[&str]]) {
        self.wrong.extend(expression.check(&[&[COMMON], more].concat().concat()));
    }

    fn optional(&mut self, expression: Option<&Expression>, more: &[&[&str]]) {
        if let Some(expression) = expression {
            self.expression(expression, more);
        }
    }

    fn template(&mut self, template: &Template, more: &[&[&str]]) {
        self.wrong.extend(template.check(&[&[COMMON], more].concat().concat()));
    }

    fn request(&mut self, line: &Line, body: Option<&Expression>, more: &[&[&str]]) {
        self.template(&line.path, more);
        self.optional(body, more);
    }

    fn headers(&mut self, headers: &BTreeMap<String, Expression>, more: &[&[&str]]) {
        headers.values().for_each(|value| self.expression(value, more));
    }

    fn pages(&mut self, pages: &Pages) {
        match pages {
            Pages::Number { more, .. } | Pages::Offset { more, .. } => {
                self.optional(more.as_ref(), &[ANSWER])
            }
            Pages::Cursor { next } | Pages::NextLink { next } => self.expression(next, &[ANSWER]),
            Pages::One | Pages::Limit { .. } | Pages::LinkHeader {} => {}
        }
    }

    fn manifest(&mut self, manifest: &Manifest) {
        if let Authentication::Login(login) = &manifest.authentication {
            self.request(&login.request, Some(&login.body), &[&["secret"]]);
            self.expression(&login.token, &[ANSWER]);
        }
        self.optional(manifest.errors.message.as_ref(), &[ANSWER]);
        for rule in &manifest.errors.rules {
            self.expression(&rule.when, &[ANSWER]);
        }
        self.request(&manifest.probe.request, manifest.probe.body.as_ref(), &[]);
        self.expression(&manifest.probe.account, &[ANSWER]);
        self.optional(manifest.probe.version.as_ref(), &[ANSWER]);
        self.reading(manifest);
        self.changes(manifest);
        self.writing(manifest);
        if let Some(webhook) = &manifest.webhook {
            self.expression(&webhook.ticket, &[&["body"]]);
        }
    }

    fn reading(&mut self, manifest: &Manifest) {
        let ticket = &manifest.ticket;
        self.request(&ticket.request, ticket.body.as_ref(), &[&["id"]]);
        self.optional(ticket.at.as_ref(), &[ANSWER, &["id"]]);
        if let Some(page) = &ticket.page {
            self.template(page, &[&["id", "key"]]);
        }
        let seen: &[&[&str]] = &[ANSWER, &["ticket", "id"]];
        for one in
            [&ticket.id, &ticket.title, &ticket.description, &ticket.status, &ticket.created, &ticket.updated]
        {
            self.expression(one, seen);
        }
        for one in [
            &ticket.key,
            &ticket.priority,
            &ticket.kind,
            &ticket.requester,
            &ticket.version,
            &ticket.merged_into,
            &ticket.marker,
            &ticket.link_label,
            &ticket.link_url,
            &ticket.link_summary,
            &ticket.link_line,
        ] {
            self.optional(one.as_ref(), seen);
        }
        self.headers(&ticket.fields, seen);
        let comments = &manifest.comments;
        if let Some(request) = &comments.request {
            self.request(request, None, &[&["id", "ticket"], PAGES]);
        }
        self.pages(&comments.pages);
        self.expression(&comments.list, seen);
        let seen: &[&[&str]] = &[ANSWER, &["ticket", "id", "comment", "index"]];
        for one in [&comments.id, &comments.author, &comments.body, &comments.created] {
            self.expression(one, seen);
        }
        self.optional(comments.filter.as_ref(), seen);
        self.optional(comments.visibility.value.as_ref(), seen);
        if let Some(files) = &manifest.files {
            self.files(files);
        }
    }

    fn files(&mut self, files: &Files) {
        let comment: &[&str] = if files.in_comments { &["comment"] } else { &[] };
        if let Some(request) = &files.request {
            self.request(request, None, &[&["id", "ticket"], PAGES]);
        }
        self.pages(&files.pages);
        self.expression(&files.list, &[ANSWER, &["ticket", "id"], comment]);
        let seen: &[&[&str]] = &[ANSWER, &["ticket", "id", "file"], comment];
        for one in [&files.id, &files.name, &files.size, &files.author, &files.created] {
            self.expression(one, seen);
        }
        self.optional(files.media_type.as_ref(), seen);
        self.optional(files.marker.as_ref(), seen);
        self.optional(files.visibility.as_ref().and_then(|rule| rule.value.as_ref()), seen);
        if let Some(request) = &files.download.request {
            self.request(request, None, &[&["ticket", "id", "file"], comment]);
        }
        self.optional(files.download.url.as_ref(), seen);
        self.optional(files.download.content.as_ref(), seen);
    }

    fn changes(&mut self, manifest: &Manifest) {
        let changes = &manifest.changes;
        let place: &[&str] = if changes.sequence.is_some() { &["after"] } else { &["since"] };
        self.request(&changes.request, changes.body.as_ref(), &[place, PAGES]);
        self.pages(&changes.pages);
        self.expression(&changes.list, &[ANSWER]);
        let row: &[&[&str]] = &[ANSWER, &["row"]];
        self.expression(&changes.ticket, row);
        self.optional(changes.changed.as_ref(), row);
        self.optional(changes.sequence.as_ref(), row);
        if let Some(find) = &manifest.find {
            self.request(&find.request, find.body.as_ref(), &[&["marker"], PAGES]);
            self.pages(&find.pages);
            self.expression(&find.list, &[ANSWER]);
            self.expression(&find.ticket, row);
            self.optional(find.filter.as_ref(), &[ANSWER, &["row", "marker"]]);
        }
    }

    fn writing(&mut self, manifest: &Manifest) {
        let create = &manifest.create;
        let names: &[&[&str]] = &[&["new", "marker"]];
        self.request(&create.request, Some(&create.body), names);
        self.headers(&create.headers, names);
        self.expression(&create.id, &[ANSWER]);
        if let Some(update) = &manifest.update {
            let names: &[&[&str]] = &[&["changes", "id", "ticket", "expected"]];
            self.request(&update.request, Some(&update.body), names);
            self.headers(&update.headers, names);
        }
        if let Some(transition) = &manifest.transition {
            let names: &[&[&str]] = &[&["status", "transition", "id", "ticket", "expected"]];
            self.request(&transition.request, Some(&transition.body), names);
            self.headers(&transition.headers, names);
            if let Some(choices) = &transition.choices {
                self.request(&choices.request, None, &[&["id", "ticket"]]);
                self.expression(&choices.list, &[ANSWER]);
                self.expression(&choices.id, &[ANSWER, &["row"]]);
                self.expression(&choices.to, &[ANSWER, &["row"]]);
            }
        }
        let comment = &manifest.comment;
        let names: &[&[&str]] = &[&["text", "marked", "visibility", "marker", "id"]];
        self.request(&comment.request, Some(&comment.body), names);
        self.headers(&comment.headers, names);
        self.optional(comment.id.as_ref(), &[ANSWER]);
        if let Some(edit) = &manifest.edit {
            self.request(&edit.request, Some(&edit.body), &[&["text", "marked", "comment_id", "id"]]);
        }
        if let Some(retract) = &manifest.retract {
            self.request(&retract.request, retract.body.as_ref(), &[&["comment_id", "id"]]);
        }
        if let Some(attach) = &manifest.attach {
            let names: &[&[&str]] = &[&["file", "visibility", "marked", "marker", "id"]];
            self.request(&attach.request, attach.body.as_ref(), names);
            self.headers(&attach.headers, names);
            attach.form.iter().for_each(|form| self.headers(form, names));
            self.optional(attach.id.as_ref(), &[ANSWER]);
        }
        if let Some(link) = &manifest.link_back {
            self.request(
                &link.request,
                Some(&link.body),
                &[&["label", "url", "summary", "line", "id", "ticket"]],
            );
        }
    }
}

/// What contradicts itself, or promises what it does not do.
///
/// # Errors
///
/// The first of it, in words.
pub(crate) fn sense(manifest: &Manifest) -> Result<(), String> {
    let lists: [(&str, &[Word]); 3] = [
        ("status", &manifest.words.status),
        ("priority", &manifest.words.priority),
        ("type", &manifest.words.kind),
    ];
    for (what, list) in lists {
        if let Some(twice) = words::doubled(list) {
            return Err(format!("[words] {what} says {twice:?} twice"));
        }
    }
    visibility("comments", &manifest.comments.visibility)?;
    if let Some(files) = &manifest.files {
        match &files.visibility {
            Some(rule) => visibility("files", rule)?,
            None if files.in_comments => {}
            None => return Err("[files] needs `visibility`, or `in_comments = true`".to_owned()),
        }
        if files.download.request.is_some() == files.download.url.is_some() {
            return Err("[files.download] takes one of `request` and `url`".to_owned());
        }
    }
    changes(manifest)?;
    doubling(manifest)?;
    if let Some(attach) = &manifest.attach {
        let ways = [attach.body.is_some(), attach.form.is_some(), attach.raw];
        if ways.into_iter().filter(|way| *way).count() != 1 {
            return Err("[attach] takes one of `body`, `form` and `raw`".to_owned());
        }
        if manifest.files.is_none() {
            return Err("[attach] needs [files]: what was attached is read back".to_owned());
        }
    }
    let versioned = manifest.ticket.version.is_some();
    if manifest.update.as_ref().is_some_and(|update| update.condition != Condition::None) && !versioned {
        return Err("[update] has a `condition`, and [ticket] no `version` to name in it".to_owned());
    }
    let ticket = &manifest.ticket;
    let apart = ticket.link_label.is_some() || ticket.link_url.is_some();
    if manifest.link_back.is_some() && !apart && ticket.link_line.is_none() {
        let message = "[link_back] needs `link_label`, `link_url` or `link_line` in [ticket]: what was written is read back";
        return Err(message.to_owned());
    }
    if ticket.link_line.is_some() && (apart || ticket.link_summary.is_some()) {
        return Err(
            "[ticket] has either `link_line` or `link_label`, `link_url` and `link_summary`".to_owned()
        );
    }
    if manifest.link_back.is_none() && ticket.summarizes() {
        return Err("[ticket] reads how the counterpart stands, and no [link_back] writes it".to_owned());
    }
    header_names(manifest)
}

fn visibility(table: &str, rule: &VisibilityRule) -> Result<(), String> {
    match (&rule.value, rule.always) {
        (Some(_), None) if !rule.public.is_empty() => Ok(()),
        (Some(_), None) => Err(format!("[{table}.visibility] lists no value that is public")),
        (None, Some(_)) if rule.public.is_empty() && rule.internal.is_empty() => Ok(()),
        (None, Some(_) | None) | (Some(_), Some(_)) => {
            Err(format!("[{table}.visibility] takes `value` with `public` and `internal`, or `always` alone"))
        }
    }
}

fn changes(manifest: &Manifest) -> Result<(), String> {
    let changes = &manifest.changes;
    let uses = |name: &str| {
        changes.request.path.uses(name) || changes.body.as_ref().is_some_and(|body| body.uses(name))
    };
    match (&changes.sequence, &changes.changed) {
        (Some(_), Some(_)) => Err("[changes] takes one of `sequence` and `changed`".to_owned()),
        (Some(_), None)
            if uses("after") || matches!(changes.pages, Pages::Number { .. } | Pages::Offset { .. }) =>
        {
            Ok(())
        }
        (Some(_), None) => {
            Err("[changes] by sequence needs `after` in its request, or pages by number or offset".to_owned())
        }
        (None, _) if uses("since") => Ok(()),
        (None, _) => Err("[changes] needs `since` in its request, or a `sequence`".to_owned()),
    }
}

/// A promise about doubling is kept by the marker, which has to be sent.
fn doubling(manifest: &Manifest) -> Result<(), String> {
    let sent = |line: &Line, headers: &BTreeMap<String, Expression>, more: &[Option<&Expression>]| {
        let sources = headers.values().chain(more.iter().flatten().copied()).map(Expression::source);
        sources.chain([line.path.source()]).any(|source| source.contains("mark"))
    };
    let create = &manifest.create;
    let mut promises =
        vec![("create", create.class, sent(&create.request, &create.headers, &[Some(&create.body)]))];
    let comment = &manifest.comment;
    promises.push((
        "comment",
        comment.class,
        sent(&comment.request, &comment.headers, &[Some(&comment.body)]),
    ));
    if let Some(attach) = &manifest.attach {
        let form: Vec<_> =
            attach.form.iter().flat_map(BTreeMap::values).map(Some).chain([attach.body.as_ref()]).collect();
        promises.push(("attach", attach.class, sent(&attach.request, &attach.headers, &form)));
        let looked_for = matches!(attach.class, Class::C2 | Class::C3);
        if looked_for && manifest.files.as_ref().is_some_and(|files| files.marker.is_none()) {
            return Err(
                "[attach] is found by its marker, and [files] does not say where that stands".to_owned()
            );
        }
    }
    for (table, class, sent) in promises {
        if class != Class::C4 && !sent {
            return Err(format!(
                "[{table}] has a class other than \"c4\" and sends neither `marker` nor `marked`"
            ));
        }
    }
    if matches!(create.class, Class::C2 | Class::C3) && manifest.find.is_none() {
        return Err("[create] is found by its marker, and there is no [find]".to_owned());
    }
    Ok(())
}

fn header_names(manifest: &Manifest) -> Result<(), String> {
    let mut names: Vec<&str> = manifest.create.headers.keys().map(String::as_str).collect();
    names.extend(manifest.comment.headers.keys().map(String::as_str));
    names.extend(manifest.update.iter().flat_map(|update| update.headers.keys()).map(String::as_str));
    names.extend(manifest.transition.iter().flat_map(|one| one.headers.keys()).map(String::as_str));
    names.extend(manifest.attach.iter().flat_map(|attach| attach.headers.keys()).map(String::as_str));
    match &manifest.authentication {
        Authentication::Header { name, .. } => names.push(name),
        Authentication::Login(login) => names.push(&login.header),
        Authentication::None {}
        | Authentication::Bearer {}
        | Authentication::Basic {}
        | Authentication::ClientCredentials { .. }
        | Authentication::Password { .. } => {}
    }
    match manifest.webhook.as_ref().map(|webhook| &webhook.signature) {
        Some(Signature::Hub { header: name } | Signature::Header { name }) => names.push(name),
        Some(Signature::Standard {} | Signature::Query { .. }) | None => {}
    }
    names
        .into_iter()
        .try_for_each(|name| config::header_name(name).map(drop).map_err(|error| error.to_string()))
}
