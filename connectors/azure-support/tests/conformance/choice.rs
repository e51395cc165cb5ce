//! Under which service a ticket is raised, with which consents and contact details, and what is refused unsent.

use serde_json::{Value, json};
use throughline_sdk::{Error, ErrorKind, Intent, Operation, TookEffect};
use throughline_testkit::conformance::Subject;

use crate::desk::Desk;
use crate::in_process::azure;
use crate::subject::{PROBLEM, SERVICE, ctx, raise, settings};

const BILLING: &str = "517f2da6-78fd-0498-4e22-ad26996b1dfc";
const REFUND: &str = "44114011-6a66-e902-c00f-e419b6b4509f";

fn with(mut intent: Intent, change: impl FnOnce(&mut throughline_sdk::NewTicket)) -> Intent {
    if let Operation::Create(ticket) = &mut intent.operation {
        change(ticket);
    }
    intent
}

async fn raised(desk: &Desk, subject: &Subject, intent: &Intent) -> Result<Value, Error> {
    subject.connector.apply(&ctx(subject), intent).await?;
    Ok(desk.state().tickets[intent.marker.as_str()].properties.clone())
}

#[tokio::test]
async fn a_type_in_the_table_decides_and_another_one_is_refused_unsent() {
    let (desk, subject) = azure(&[]);
    let properties =
        raised(&desk, &subject, &with(raise(1, &subject), |ticket| ticket.kind = None)).await.unwrap();
    assert!(properties["serviceId"].as_str().unwrap().ends_with(SERVICE), "the default type");
    assert!(properties["problemClassificationId"].as_str().unwrap().ends_with(PROBLEM));
    desk.state().requests.clear();
    let unknown = with(raise(2, &subject), |ticket| ticket.kind = Some("Toaster".to_owned()));
    let error = raised(&desk, &subject, &unknown).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    assert!(error.to_string().contains("services") && error.to_string().contains("Toaster"), "{error}");
    assert!(desk.state().requests.iter().all(|asked| asked.starts_with("GET")));
}

#[tokio::test]
async fn azure_classifies_where_the_table_has_nothing() {
    let (desk, subject) = azure(&[("classify", true.into()), ("secondary_consent", true.into())]);
    let unknown = |number, text: &str| {
        with(raise(number, &subject), |ticket| {
            ticket.kind = Some("Anything".to_owned());
            text.clone_into(&mut ticket.description);
        })
    };
    let properties = raised(&desk, &subject, &unknown(1, "I want a refund")).await.unwrap();
    assert!(properties["serviceId"].as_str().unwrap().ends_with(BILLING), "the child of the service");
    assert!(properties["problemClassificationId"].as_str().unwrap().ends_with(REFUND));
    assert_eq!(properties["secondaryConsent"][0]["userConsent"], "Yes");
    for (number, text) in [(2, "nowhere"), (3, "nonsense")] {
        let error = raised(&desk, &subject, &unknown(number, text)).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{text}");
    }
}

#[tokio::test]
async fn a_classification_that_azure_dropped_is_a_wrong_setting() {
    let (desk, subject) = azure(&[("services", json!({ "Virtual machine": format!("{SERVICE}/gone") }))]);
    let error = raised(&desk, &subject, &raise(1, &subject)).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Misconfigured, TookEffect::No));
    assert!(error.to_string().contains("services"), "{error}");
}

#[tokio::test]
async fn contact_details_are_the_operators_and_a_severity_may_need_the_phone() {
    let (desk, subject) = azure(&[("contact_additional_emails", json!(["ops@contoso.example"]))]);
    let critical = with(raise(1, &subject), |ticket| ticket.priority = Some("Critical".to_owned()));
    let properties = raised(&desk, &subject, &critical).await.unwrap();
    assert_eq!(properties["severity"], "critical");
    assert_eq!(properties["contactDetails"]["phoneNumber"], "+49 30 901820");
    assert_eq!(properties["contactDetails"]["additionalEmailAddresses"], json!(["ops@contoso.example"]));
    assert_eq!(properties["advancedDiagnosticConsent"], "No");
    let (desk, subject) = azure(&[("contact_phone", Value::Null)]);
    let error = raised(&desk, &subject, &critical).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    assert!(error.to_string().contains("contact_phone"), "{error}");
    assert!(desk.state().requests.is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_resource_and_the_beginning_can_be_given_and_nothing_else() {
    let (desk, subject) = azure(&[]);
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm";
    let field = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
    let given = with(raise(1, &subject), |ticket| ticket.fields = field("Resource", id));
    let properties = raised(&desk, &subject, &given).await.unwrap();
    assert_eq!(properties["technicalTicketDetails"]["resourceId"], id);
    for (number, name, value) in [(2, "Room", "4"), (3, "Problem start", "yesterday")] {
        let other = with(raise(number, &subject), |ticket| ticket.fields = field(name, value));
        let error = raised(&desk, &subject, &other).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected, "{name}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    for (key, value) in [
        ("subscription", json!("production")),
        ("contact_country", json!("Germany")),
        ("contact_email", Value::Null),
        ("default_type", json!("Toaster")),
        ("services", json!({ "Toaster": "one/two/three" })),
        ("url", json!("ftp://azure.test")),
        ("tenant", Value::Null),
    ] {
        let error = throughline_azure_support::build(&settings(&[(key, value)])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{key}");
        assert!(error.to_string().contains(key), "{key}: {error}");
    }
    let by_phone = [("contact_method", json!("phone")), ("contact_phone", Value::Null)];
    assert!(throughline_azure_support::build(&settings(&by_phone)).is_err());
}
