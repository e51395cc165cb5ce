//! I8, I9 and I10: nobody is sent or shown what is not for them, in whatever form; the log and the metrics tell nothing.

use chrono::Duration;
use throughline_practice::desk::{Action, Actor};
use throughline_testkit::Canary;

use crate::people::request;
use crate::run::Run;
use crate::scenario::DESKS;

/// What was read may be this old when something is sent; then come the network, a desk that commits late, and a search
/// for what may have been sent before.
const HASTE: Duration = Duration::seconds(15);

/// No word that is for one desk only is in any request to another, in an answer, in the log or in the metrics.
pub(crate) fn secrets(run: &Run<'_>, broken: &mut Vec<String>) {
    let secrets: Vec<_> =
        run.deeds.secrets.iter().map(|secret| (secret, Canary::new(&secret.word))).collect();
    for (place, desk) in DESKS.iter().enumerate() {
        for (piece, haystack) in run.ground.record.told_to(desk) {
            for (secret, canary) in &secrets {
                let confided =
                    run.ground.scenario.confiding && secret.for_staff && secret.desk == 0 && place == 1;
                if let Some(form) = canary.form_in(&haystack).filter(|_| !confided) {
                    broken.push(format!("I8 {} is told {} as {form}: {piece}", desk, secret.word));
                }
            }
        }
    }
    let said = run.deeds.said.iter().map(|said| said.token.as_str());
    let attached = run.deeds.attached.iter().map(|attached| attached.token.as_str());
    let words: Vec<_> =
        said.chain(attached).map(Canary::new).chain(secrets.iter().map(|(_, it)| it.clone())).collect();
    for (line, haystack) in run.ground.record.told_to_operators() {
        for canary in &words {
            if let Some(form) = canary.form_in(&haystack) {
                broken.push(format!("I8 {} is logged as {form}: {line:.400}", canary.word()));
            }
        }
    }
    confided(run, broken);
}

/// What is internal at home stands once at the partner, and is internal there, if a rule lets it cross.
fn confided(run: &Run<'_>, broken: &mut Vec<String>) {
    let partner = run.desks[1].snapshot();
    for secret in run.deeds.secrets.iter().filter(|secret| secret.for_staff && secret.desk == 0) {
        let Some(ticket) = partner.tickets.iter().find(|it| request(it) == Some(&secret.request)) else {
            continue;
        };
        let comments =
            ticket.comments.iter().filter(|it| it.body.contains(&secret.word)).map(|it| it.internal);
        let files = ticket.files.iter().filter(|it| it.name.contains(&secret.word)).map(|it| it.internal);
        let copies: Vec<bool> = comments.chain(files).collect();
        if copies.contains(&false) {
            broken.push(format!("I8 {} is public at {}", secret.word, DESKS[1]));
        }
        let due = usize::from(run.ground.scenario.confiding);
        if copies.len() != due {
            broken.push(format!(
                "I5 {} stands {} times at {}, due: {due}",
                secret.word,
                copies.len(),
                DESKS[1]
            ));
        }
    }
}

/// A counterpart that was not introduced hears nothing of another: no word, no file, no name. None hears of the number
/// of cases.
pub(crate) fn strangers(run: &Run<'_>, broken: &mut Vec<String>) {
    for (place, desk) in DESKS.iter().enumerate().skip(1) {
        let told = run.ground.record.told_to(desk);
        for (piece, _) in told.iter().filter(|(piece, _)| piece.contains("TL-")) {
            broken.push(format!("I10 {desk} is told the number of a case: {piece}"));
        }
        if run.ground.scenario.relay {
            continue;
        }
        let other = 3 - place;
        let said = run.deeds.said.iter().filter(|said| said.desk == other).map(|said| said.token.as_str());
        let attached = run.deeds.attached.iter().filter(|it| it.desk == other).map(|it| it.token.as_str());
        for canary in said.chain(attached).chain([DESKS[other]]).map(Canary::new) {
            for (piece, haystack) in &told {
                if let Some(form) = canary.form_in(haystack) {
                    broken.push(format!("I10 {desk} is told {} as {form}: {piece}", canary.word()));
                }
            }
        }
    }
}

/// What was deleted or turned internal is not sent any more, once somebody has had the time to see that.
pub(crate) fn haste(run: &Run<'_>, broken: &mut Vec<String>) {
    for (place, desk) in run.desks.iter().enumerate() {
        for write in desk.history().iter().filter(|write| write.who == Actor::Api) {
            let (Action::Comment { body, internal: false, .. } | Action::Edit { body, .. }) = &write.action
            else {
                continue;
            };
            for said in run.deeds.said.iter().filter(|said| said.desk != place && body.contains(&said.token))
            {
                if let Some(at) = said.withdrawn.filter(|at| write.at - *at > HASTE) {
                    broken.push(format!(
                        "I8 {} was withdrawn at {at} and written to {} at {}",
                        said.token, DESKS[place], write.at
                    ));
                }
            }
        }
    }
}
