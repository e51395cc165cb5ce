//! What is a mailbox's own: threads, strangers, automatic answers, drafts and refusals.

use throughline_sdk::{
    ErrorKind, Intent, IntentId, Marker, NewTicket, Operation, RemoteId, Subject as Made, TookEffect,
    Visibility,
};
use throughline_testkit::Fault;

use crate::hand::Post;
use crate::subject::mailbox;

fn intent(number: u8, ticket: Option<&RemoteId>, operation: Operation) -> Intent {
    let marker = Marker::from_hash(&[number; 32]);
    Intent {
        id: IntentId::new(number.to_string()),
        ticket: ticket.cloned(),
        operation,
        marker,
        expected: None,
    }
}

fn create(number: u8) -> Intent {
    let ticket = NewTicket {
        title: "Printer".to_owned(),
        description: "It burns.".to_owned(),
        status: None,
        priority: None,
        kind: None,
        fields: Default::default(),
    };
    intent(number, None, Operation::Create(ticket))
}

fn mail(id: &str, header: &str, text: &str) -> Vec<u8> {
    format!("From: P <p@partner.example>\r\nMessage-ID: <{id}>\r\n{header}\r\n\r\n{text}\r\n").into_bytes()
}

#[tokio::test(start_paused = true)]
async fn an_answer_finds_its_thread_by_the_tag_alone() {
    let (mailbox, subject) = mailbox();
    let connector = &subject.connector;
    let start = connector.changes(&subject.ctx(), None).await.unwrap().next;
    let Made::Ticket(id) = connector.apply(&subject.ctx(), &create(1)).await.unwrap().subject else {
        panic!("no ticket");
    };
    let ticket = connector.fetch(&subject.ctx(), &id).await.unwrap();
    assert_eq!((ticket.title.as_str(), ticket.description.as_str()), ("Printer", "It burns."));
    mailbox.deliver(mail("a@p", &format!("Subject: AW: [{}] x", ticket.key), "By tag."));
    // And one that answers only that answer, under another subject.
    mailbox.deliver(mail("b@p", "Subject: else\r\nIn-Reply-To: <a@p>", "By its mail."));
    let page = connector.changes(&subject.ctx(), Some(&start)).await.unwrap();
    let hinted: Vec<_> = page.hints.into_iter().map(|hint| hint.ticket).collect();
    assert_eq!(hinted, std::slice::from_ref(&id));
    let bodies: Vec<_> =
        connector.fetch(&subject.ctx(), &id).await.unwrap().comments.into_iter().map(|c| c.body).collect();
    assert_eq!(bodies, ["By tag.", "By its mail."]);
}

#[tokio::test(start_paused = true)]
async fn what_no_partner_wrote_is_no_ticket() {
    let (mailbox, subject) = mailbox();
    let connector = &subject.connector;
    let start = connector.changes(&subject.ctx(), None).await.unwrap().next;
    let Made::Ticket(id) = connector.apply(&subject.ctx(), &create(1)).await.unwrap().subject else {
        panic!("no ticket");
    };
    mailbox.deliver(mail("a@p", &format!("Auto-Submitted: auto-replied\r\nIn-Reply-To: <{id}>"), "Away."));
    mailbox.deliver(mail("b@p", "List-Id: <l.partner.example>", "News."));
    // A mail of ours that came back.
    let own = mailbox.state.lock().unwrap().partner[0].clone();
    mailbox.deliver(own);
    // Whoever writes our header fields is not believed.
    mailbox.deliver(
        b"From: x@elsewhere.example\r\nMessage-ID: <c@x>\r\nX-Throughline-Ticket: c@x\r\n\r\nhi\r\n".to_vec(),
    );
    mailbox.deliver(mail(
        "d@p",
        "X-Throughline-Ticket: other@p\r\nX-Throughline-Marker: tl-aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "Mine.",
    ));
    let page = connector.changes(&subject.ctx(), Some(&start)).await.unwrap();
    let hinted: Vec<_> = page.hints.iter().map(|hint| hint.ticket.as_str()).collect();
    assert_eq!(hinted, ["d@p"]);
    let ticket = connector.fetch(&subject.ctx(), &RemoteId::new("d@p")).await.unwrap();
    assert_eq!(ticket.marker, None);
    assert!(connector.fetch(&subject.ctx(), &id).await.unwrap().comments.is_empty());
    for nobody in ["a@p", "b@p", "c@x", "x\" ALL \"", ""] {
        let error = connector.fetch(&subject.ctx(), &RemoteId::new(nobody)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{nobody}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_mail_leaves_nothing_behind() {
    let (mailbox, subject) = mailbox();
    for (answer, kind) in [("554 no\r\n", ErrorKind::Rejected), ("451 later\r\n", ErrorKind::Unavailable)] {
        mailbox.state.lock().unwrap().refusal = Some(answer.to_owned());
        let error = subject.connector.apply(&subject.ctx(), &create(1)).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (kind, TookEffect::No), "{error}");
        assert!(mailbox.state.lock().unwrap().sent.mails.is_empty());
    }
    subject.connector.apply(&subject.ctx(), &create(1)).await.unwrap();
    // Asked for again, it is there already.
    subject.connector.apply(&subject.ctx(), &create(1)).await.unwrap();
    let state = mailbox.state.lock().unwrap();
    assert_eq!((state.partner.len(), state.sent.mails.len()), (1, 1));
    assert_eq!(state.sent.mails[0].flags, ["\\Seen"]);
}

#[tokio::test(start_paused = true)]
async fn a_mail_in_doubt_is_believed_when_it_is_answered() {
    let (mailbox, subject) = mailbox();
    let connector = &subject.connector;
    let doubtful = create(1);
    let id = RemoteId::new(format!("{}@example.org", doubtful.marker));
    subject.transport.next_write(Fault::DropReply);
    let error = connector.apply(&subject.ctx(), &doubtful).await.unwrap_err();
    assert_eq!(error.took_effect(), TookEffect::Unknown);
    assert!(connector.find(&subject.ctx(), &doubtful).await.unwrap().is_empty());
    assert_eq!(connector.fetch(&subject.ctx(), &id).await.unwrap_err().kind(), ErrorKind::NotFound);
    mailbox.deliver(mail("a@p", &format!("References: <{id}>"), "Got it."));
    let ticket = connector.fetch(&subject.ctx(), &id).await.unwrap();
    assert_eq!((ticket.comments.len(), ticket.marker), (1, Some(doubtful.marker)));
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_was_numbered_anew_is_read_from_the_first_again() {
    let (mailbox, subject) = mailbox();
    mailbox.deliver(mail("a@p", "Subject: x", "One."));
    let start = subject.connector.changes(&subject.ctx(), None).await.unwrap().next;
    let page = subject.connector.changes(&subject.ctx(), Some(&start)).await.unwrap();
    assert!(page.hints.is_empty());
    mailbox.state.lock().unwrap().inbox.validity = 8;
    let page = subject.connector.changes(&subject.ctx(), Some(&page.next)).await.unwrap();
    assert_eq!(page.hints.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_what_is_public_is_mailed() {
    let (mailbox, subject) = mailbox();
    mailbox.deliver(mail("a@p", "Subject: x", "One."));
    let ticket = RemoteId::new("a@p");
    for visibility in [Visibility::Internal, Visibility::Unknown] {
        let comment = intent(2, Some(&ticket), Operation::Comment { body: "x".to_owned(), visibility });
        let error = subject.connector.apply(&subject.ctx(), &comment).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unsupported, TookEffect::No));
    }
    assert!(mailbox.state.lock().unwrap().partner.is_empty());
}
