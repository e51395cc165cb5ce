//! Which mails make up a thread, and which thread a mail is part of.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::Result;

use crate::compose::TICKET;
use crate::config::Config;
use crate::imap::{Held, Session, any, header};
use crate::letter::Letter;
use crate::thread;

/// How many mails of one thread are read.
const LONGEST_THREAD: usize = 1000;
/// How many ids one search is for.
const IDS_AT_ONCE: usize = 10;
/// How far an answer is followed back.
const DEEPEST: usize = 20;

/// A mail of a thread, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) held: Held,
    pub(crate) is_ours: bool,
}

/// The thread that begins with `root`, oldest first; empty if there is none.
pub(crate) async fn thread(config: &Config, session: &mut Session, root: &str) -> Result<Vec<Member>> {
    if !thread::is_id(root) {
        return Ok(Vec::new());
    }
    session.enter(&config.sent, false).await?;
    let found = session.search(&header(TICKET, root)).await?;
    let mut ours = session.heads(&found).await?;
    ours.retain(|held| held.letter.own.as_ref().is_some_and(|own| own.ticket == root));
    let mut theirs = inbox(config, session, root, &ours).await?;
    // What is held twice is one mail; a draft is none, unless somebody answered it.
    let answered: BTreeSet<&str> =
        theirs.iter().flat_map(|held| held.letter.answers.iter().map(String::as_str)).collect();
    ours.retain(|held| !held.is_draft || answered.contains(held.letter.id.as_str()));
    ours.sort_by_key(|held| held.is_draft);
    let mut seen = BTreeSet::new();
    let mut members = Vec::new();
    for (held, is_ours) in
        ours.into_iter().map(|held| (held, true)).chain(theirs.drain(..).map(|held| (held, false)))
    {
        if seen.insert(held.letter.id.clone()) {
            members.push(Member { held, is_ours });
        }
    }
    members.sort_by_key(|member| {
        // Servers keep seconds: within one, whoever answers more of the thread came later.
        let answers = member.held.letter.answers.iter().filter(|id| seen.contains(*id)).count();
        (member.held.letter.id != root, member.held.date, answers, !member.is_ours, member.held.uid)
    });
    let begins = members.first().is_some_and(|first| {
        first.held.letter.id == root && (first.is_ours || config.accepts(&first.held.letter.address))
    });
    Ok(if begins { members } else { Vec::new() })
}

/// The mails of a thread that came in, by ids and by the tag, until no further one turns up.
async fn inbox(config: &Config, session: &mut Session, root: &str, ours: &[Held]) -> Result<Vec<Held>> {
    session.enter(&config.inbox, false).await?;
    let tag = thread::tag(root);
    let mut known: BTreeSet<String> = ours.iter().map(|held| held.letter.id.clone()).collect();
    known.insert(root.to_owned());
    let mut todo: Vec<String> = known.iter().cloned().collect();
    let mut found: BTreeMap<u32, Held> = BTreeMap::new();
    let mut further = vec![header("Message-ID", root), format!("SUBJECT \"{tag}\"")];
    while !(todo.is_empty() && further.is_empty()) && found.len() < LONGEST_THREAD {
        let ids: Vec<String> = todo.drain(..todo.len().min(IDS_AT_ONCE)).collect();
        let mut criteria = std::mem::take(&mut further);
        criteria.extend(ids.iter().flat_map(|id| [header("References", id), header("In-Reply-To", id)]));
        let mut uids = session.search(&any(criteria)).await?;
        uids.retain(|uid| !found.contains_key(uid));
        uids.truncate(LONGEST_THREAD);
        for held in session.heads(&uids).await? {
            let letter = &held.letter;
            let belongs = letter.id == root
                || letter.answers.iter().any(|id| known.contains(id))
                || thread::tag_in(&letter.subject).as_ref() == Some(&tag);
            if !belongs || is_dropped(config, letter) {
                continue;
            }
            if known.insert(letter.id.clone()) {
                todo.push(letter.id.clone());
            }
            found.insert(held.uid, held);
        }
    }
    Ok(found.into_values().collect())
}

/// The root of the thread that a mail belongs to; `None` if it is to be left alone.
pub(crate) async fn root(config: &Config, session: &mut Session, letter: &Letter) -> Result<Option<String>> {
    let mut letter = letter.clone();
    for _ in 0..DEEPEST {
        if let Some(root) = root_by_ours(config, session, &letter).await? {
            return Ok(Some(root));
        }
        match answered(config, session, &letter).await? {
            Some(before) => letter = before,
            None => break,
        }
    }
    // A thread that a stranger begins is not shared.
    Ok(config.accepts(&letter.address).then_some(letter.id))
}

/// What our own mails say about the thread, by an id of ours that is answered or else by the tag.
async fn root_by_ours(config: &Config, session: &mut Session, letter: &Letter) -> Result<Option<String>> {
    let domain = config.from.domain();
    let ids = letter.answers.iter().filter(|id| thread::marker_of(id, domain).is_some());
    let ids: Vec<&String> = ids.take(IDS_AT_ONCE).collect();
    let tag = thread::tag_in(&letter.subject);
    let mut criteria: Vec<String> = ids.iter().map(|id| header("Message-ID", id)).collect();
    criteria.extend(tag.iter().map(|tag| format!("SUBJECT \"{tag}\"")));
    if criteria.is_empty() {
        return Ok(None);
    }
    session.enter(&config.sent, false).await?;
    let found = session.search(&any(criteria)).await?;
    let found = session.heads(found.get(..found.len().min(100)).unwrap_or_default()).await?;
    let roots = || found.iter().filter_map(|held| Some((&held.letter.id, &held.letter.own.as_ref()?.ticket)));
    let by_id = ids.iter().find_map(|id| roots().find(|(held, _)| held == id));
    let by_tag = || roots().find(|(_, root)| Some(thread::tag(root)) == tag);
    Ok(by_id.or_else(by_tag).map(|(_, root)| root.clone()))
}

/// The oldest mail in the inbox that this one answers.
async fn answered(config: &Config, session: &mut Session, letter: &Letter) -> Result<Option<Letter>> {
    let ids: Vec<&String> = letter.answers.iter().filter(|id| **id != letter.id).take(IDS_AT_ONCE).collect();
    if ids.is_empty() {
        return Ok(None);
    }
    session.enter(&config.inbox, false).await?;
    let found = session.search(&any(ids.iter().map(|id| header("Message-ID", id)).collect())).await?;
    let found = session.heads(found.get(..found.len().min(100)).unwrap_or_default()).await?;
    let usable =
        |id: &&String| found.iter().find(|held| held.letter.id == **id && !is_dropped(config, &held.letter));
    Ok(ids.iter().find_map(usable).map(|held| held.letter.clone()))
}

/// Whether a mail in the inbox is none of a person's, or one of ours that came back.
pub(crate) fn is_dropped(config: &Config, letter: &Letter) -> bool {
    letter.id.is_empty() || letter.automatic || thread::marker_of(&letter.id, config.from.domain()).is_some()
}
