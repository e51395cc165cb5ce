//! The desk's pages for people: plain HTML made on the server, one stylesheet, nothing from elsewhere.

use std::fmt::Write as _;

use ::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use ::http::{HeaderValue, StatusCode};
use axum::extract::{DefaultBodyLimit, Multipart, Path, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use bytes::Bytes;
use serde::Deserialize;

use super::Desk;
use super::model::{Action, Patch, Ticket};

const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
const MAX_LISTED: usize = 200;
const INTERNAL: &str =
    "<label class=row><input type=checkbox name=internal value=yes> Internal: only staff may read it</label>";
const STYLE: &str = include_str!("style.css");

pub(super) fn routes(desk: &Desk) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/style.css", get(style))
        .route("/tickets", post(create))
        .route("/tickets/{number}", get(open).post(change))
        .route("/tickets/{number}/comments", post(comment))
        .route("/tickets/{number}/files", post(attach))
        .route("/tickets/{number}/files/{file}", get(download))
        .layer(DefaultBodyLimit::max(MAX_FILE_BYTES))
        .layer(from_fn(guard))
        .with_state(desk.clone())
}

/// Refuses forms of other sites and says in each answer that nothing is loaded from elsewhere.
async fn guard(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if !request.method().is_safe() && !matches!(site, None | Some("same-origin" | "none")) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy =
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn style(State(desk): State<Desk>) -> Response {
    let name = desk.settings().name.bytes();
    let hue = name.fold(0u32, |hue, byte| (hue * 31 + u32::from(byte)) % 360);
    let sheet = format!("{STYLE}:root {{ --desk: hsl({hue} 60% 32%); }}\n");
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], sheet).into_response()
}

async fn list(State(desk): State<Desk>) -> Html<String> {
    let mut rows = String::new();
    let settings = desk.settings();
    let snapshot = desk.snapshot();
    for ticket in snapshot.tickets.iter().rev().take(MAX_LISTED) {
        row(&mut rows, ticket);
    }
    let table = if rows.is_empty() {
        "<p class=empty>No tickets yet. Raise the first one below.</p>".to_owned()
    } else {
        format!(
            "<table><thead><tr><th scope=col>No.<th scope=col>Title<th scope=col>Status<th scope=col class=wide>\
             Priority<th scope=col class=wide>Changed</tr></thead><tbody>{rows}</tbody></table>"
        )
    };
    let shown = match snapshot.tickets.len() {
        0 => String::new(),
        many if many > MAX_LISTED => format!("<span class=soft>the last {MAX_LISTED} of {many}</span>"),
        few => format!("<span class=soft>{few}</span>"),
    };
    let body = format!(
        "<section><div class=title><h1>Tickets</h1>{shown}</div>{table}</section>\
         <section><h2>Raise a ticket</h2><form method=post action=/tickets>{}\
         <label>Title<input name=title required maxlength=200></label>\
         <label>Description<textarea name=description></textarea></label><div class=pair>{}{}</div>\
         <button>Raise ticket</button></form></section>",
        who(),
        choice(
            "Priority",
            "priority",
            settings.priorities.iter(),
            settings.priorities.get(1).map(String::as_str)
        ),
        choice("Type", "type", settings.types.iter(), None),
    );
    page(&desk, "Tickets", &body)
}

fn row(out: &mut String, ticket: &Ticket) {
    // Writing into a string cannot fail.
    let _infallible = write!(
        out,
        "<tr><td>{n}<td dir=auto><a href=/tickets/{n}>{}</a><td><span class=\"tag state\">{}</span><td class=wide>{}\
         <td class=\"wide soft\">{}</tr>",
        escape(&ticket.title),
        escape(&ticket.status),
        escape(&ticket.priority),
        ticket.updated.format("%Y-%m-%d %H:%M"),
        n = ticket.number,
    );
}

async fn open(State(desk): State<Desk>, Path(number): Path<u64>) -> Response {
    let found = desk.lock().ticket(number);
    let ticket = match found {
        Ok(ticket) if ticket.number == number => ticket,
        Ok(ticket) => return Redirect::to(&format!("/tickets/{}", ticket.number)).into_response(),
        Err(refusal) => return refused(&desk, &refusal.to_string()),
    };
    let settings = desk.settings();
    let words = settings.statuses.iter().map(|(word, _)| word);
    let described = match ticket.description.as_str() {
        "" => "<p class=soft>No description.</p>".to_owned(),
        text => format!("<p class=text dir=auto>{}</p>", escape(text)),
    };
    let body = format!(
        "<nav aria-label=Place><a href=/>← All tickets</a></nav>\
         <section><div class=title><h1 dir=auto>{}</h1><span class=soft>No. {n}</span></div>\
         <p class=facts><span class=\"tag state\">{}</span> <span class=tag>{}</span> <span class=tag>{}</span></p>\
         <p class=soft>Raised by {} on {}</p>{described}</section>\
         <div class=columns><div class=stack>{}\
         <section><h2>Comment</h2><form method=post action=/tickets/{n}/comments>{}\
         <label>Text<textarea name=body required></textarea></label>{INTERNAL}\
         <button>Comment</button></form></section></div>\
         <div class=stack><section><h2>Change</h2><form method=post action=/tickets/{n}>{}<div class=pair>{}{}</div>\
         <button>Save</button></form></section>{}\
         <section><h2>Files</h2>{}<form method=post action=/tickets/{n}/files enctype=multipart/form-data>{}\
         <label>File<input type=file name=file required></label>{INTERNAL}\
         <button>Attach</button></form></section></div></div>",
        escape(&ticket.title),
        escape(&ticket.status),
        escape(&ticket.priority),
        escape(&ticket.kind),
        escape(&ticket.requester),
        ticket.created.format("%Y-%m-%d %H:%M"),
        talk(&ticket),
        who(),
        who(),
        choice("Status", "status", words, Some(&ticket.status)),
        choice("Priority", "priority", settings.priorities.iter(), Some(&ticket.priority)),
        extras(&ticket),
        files(&ticket),
        who(),
        n = ticket.number,
    );
    page(&desk, &ticket.title, &body).into_response()
}

/// What was said, oldest first.
fn talk(ticket: &Ticket) -> String {
    let mut out = "<div class=talk><h2>Conversation</h2>".to_owned();
    if ticket.comments.is_empty() {
        out.push_str("<p class=empty>Nobody has commented yet.</p>");
    }
    for comment in &ticket.comments {
        let (class, tag) =
            if comment.internal { ("internal", " <span class=tag>internal</span>") } else { ("public", "") };
        out.push_str(&format!(
            "<article class={class}><p class=soft><strong>{}</strong> · {}{tag}</p><p class=text dir=auto>{}</p>\
             </article>",
            escape(&comment.author),
            comment.created.format("%Y-%m-%d %H:%M"),
            escape(&comment.body),
        ));
    }
    out.push_str("</div>");
    out
}

/// Custom fields and references, each as a list if there are any.
fn extras(ticket: &Ticket) -> String {
    let fields: Vec<_> = ticket
        .fields
        .iter()
        .map(|(name, value)| format!("<span class=soft>{}:</span> {}", escape(name), escape(value)))
        .collect();
    let references: Vec<_> = ticket
        .references
        .iter()
        .map(|reference| {
            let label = match reference.url.as_deref() {
                Some(url) if url.starts_with("https://") || url.starts_with("http://") => {
                    format!("<a rel=noreferrer href=\"{}\">{}</a>", escape(url), escape(&reference.label))
                }
                Some(_) | None => escape(&reference.label),
            };
            match &reference.summary {
                Some(summary) => format!("{label} <span class=soft>{}</span>", escape(summary)),
                None => label,
            }
        })
        .collect();
    let mut out = String::new();
    for (title, rows) in [("Fields", fields), ("Linked", references)] {
        if !rows.is_empty() {
            out.push_str(&format!("<h2>{title}</h2><ul><li>{}</ul>", rows.join("<li>")));
        }
    }
    if out.is_empty() { out } else { format!("<section>{out}</section>") }
}

fn files(ticket: &Ticket) -> String {
    if ticket.files.is_empty() {
        return "<p class=soft>None so far.</p>".to_owned();
    }
    let rows: Vec<_> = ticket
        .files
        .iter()
        .map(|file| {
            let tag = if file.internal { " <span class=tag>internal</span>" } else { "" };
            let (number, id, name) = (ticket.number, file.id, escape(&file.name));
            format!(
                "<a href=/tickets/{number}/files/{id}>{name}</a> <span class=soft>{} bytes</span>{tag}",
                file.size
            )
        })
        .collect();
    format!("<ul><li>{}</ul>", rows.join("<li>"))
}

#[derive(Deserialize)]
struct Raised {
    person: String,
    title: String,
    #[serde(default)]
    description: String,
    priority: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

async fn create(State(desk): State<Desk>, Form(form): Form<Raised>) -> Response {
    let patch = Patch {
        title: Some(form.title),
        description: Some(form.description.replace("\r\n", "\n")),
        priority: form.priority,
        kind: form.kind,
        ..Patch::default()
    };
    match desk.create(&form.person, patch) {
        Ok(number) => Redirect::to(&format!("/tickets/{number}")).into_response(),
        Err(refusal) => refused(&desk, &refusal.to_string()),
    }
}

#[derive(Deserialize)]
struct Changed {
    person: String,
    status: String,
    priority: String,
}

async fn change(State(desk): State<Desk>, Path(ticket): Path<u64>, Form(form): Form<Changed>) -> Response {
    let patch = Patch { status: Some(form.status), priority: Some(form.priority), ..Patch::default() };
    let done = desk.act(&form.person, Action::Patch { ticket, patch, expected: None });
    back(&desk, ticket, done.err().map(|refusal| refusal.to_string()))
}

#[derive(Deserialize)]
struct Said {
    person: String,
    body: String,
    internal: Option<String>,
}

async fn comment(State(desk): State<Desk>, Path(ticket): Path<u64>, Form(form): Form<Said>) -> Response {
    let body = form.body.replace("\r\n", "\n");
    let done = desk.comment(&form.person, ticket, &body, form.internal.is_some());
    back(&desk, ticket, done.err().map(|refusal| refusal.to_string()))
}

async fn attach(State(desk): State<Desk>, Path(ticket): Path<u64>, mut form: Multipart) -> Response {
    let (mut person, mut internal, mut file) = (String::new(), false, None::<(String, String, Bytes)>);
    loop {
        let field = match form.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => break,
            Err(error) => return refused(&desk, &format!("the form could not be read: {error}")),
        };
        match field.name() {
            Some("person") => person = field.text().await.unwrap_or_default(),
            Some("internal") => internal = true,
            Some("file") => {
                let name = field.file_name().unwrap_or("file").to_owned();
                let media_type = field.content_type().unwrap_or("application/octet-stream").to_owned();
                match field.bytes().await {
                    Ok(bytes) => file = Some((name, media_type, bytes)),
                    Err(error) => return refused(&desk, &format!("the file could not be read: {error}")),
                }
            }
            Some(_) | None => {}
        }
    }
    let Some((name, media_type, bytes)) = file else {
        return refused(&desk, "no file was chosen");
    };
    let done = desk.act(&person, Action::Attach { ticket, name, media_type, bytes, internal });
    back(&desk, ticket, done.err().map(|refusal| refusal.to_string()))
}

async fn download(State(desk): State<Desk>, Path((number, id)): Path<(u64, u64)>) -> Response {
    let found = desk.lock().ticket(number).ok();
    let Some(file) = found.as_ref().and_then(|ticket| ticket.files.iter().find(|file| file.id == id)) else {
        return refused(&desk, &format!("file {id} of ticket {number} is not there"));
    };
    let name: String = url::form_urlencoded::byte_serialize(file.name.as_bytes()).collect();
    let disposition = format!("attachment; filename*=UTF-8''{}", name.replace('+', "%20"));
    // Never the stated media type: an attached page must not run under the desk's address.
    let headers = [(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_DISPOSITION, disposition)];
    (headers, file.bytes.clone()).into_response()
}

fn back(desk: &Desk, ticket: u64, refusal: Option<String>) -> Response {
    match refusal {
        None => Redirect::to(&format!("/tickets/{ticket}")).into_response(),
        Some(words) => refused(desk, &words),
    }
}

fn refused(desk: &Desk, words: &str) -> Response {
    let body = format!(
        "<section><h1>That did not work</h1><p class=text dir=auto>{}</p><p class=text><a href=/>All tickets</a></p></section>",
        escape(words)
    );
    (StatusCode::UNPROCESSABLE_ENTITY, page(desk, "That did not work", &body)).into_response()
}

fn who() -> &'static str {
    "<label>Your name<input name=person required maxlength=80 autocomplete=name></label>"
}

fn choice<'a>(
    label: &str,
    name: &str,
    words: impl Iterator<Item = &'a String>,
    chosen: Option<&str>,
) -> String {
    let options: String = words
        .map(|word| {
            let selected = if chosen == Some(word) { " selected" } else { "" };
            format!("<option{selected}>{}</option>", escape(word))
        })
        .collect();
    format!("<label>{label}<select name={name}>{options}</select></label>")
}

fn page(desk: &Desk, title: &str, body: &str) -> Html<String> {
    let settings = desk.settings();
    Html(format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width, initial-scale=1\"><title>{} · {desk}</title>\
         <link rel=stylesheet href=/style.css></head><body><header><div><a href=/>{desk}</a><span>{}</span></div></header>\
         <main>{body}</main></body></html>",
        escape(title),
        escape(&settings.name),
        desk = escape(&settings.title),
    ))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
