//! JSON Patch (RFC 6902) as a desk to the letter has it: `add` needs the array that it adds to.

#![expect(clippy::wildcard_enum_match_arm, reason = "JSON has the kinds it has")]

use serde_json::Value;

/// Carries out operations; false if one of them cannot be.
pub(crate) fn operate(document: &mut Value, operations: &Value) -> bool {
    let Some(operations) = operations.as_array() else { return false };
    let before = document.clone();
    for operation in operations {
        if one(document, operation).is_none() {
            *document = before;
            return false;
        }
    }
    true
}

fn one(document: &mut Value, operation: &Value) -> Option<()> {
    let (path, value) = (operation["path"].as_str()?, operation.get("value").cloned());
    let (parent, last) = path.rsplit_once('/')?;
    match operation["op"].as_str()? {
        "test" => (document.pointer(path) == value.as_ref()).then_some(()),
        "replace" => {
            *document.pointer_mut(path)? = value?;
            Some(())
        }
        "remove" => match document.pointer_mut(parent)? {
            Value::Array(entries) => {
                let at: usize = last.parse().ok().filter(|at| *at < entries.len())?;
                entries.remove(at);
                Some(())
            }
            Value::Object(members) => members.remove(last).map(drop),
            _ => None,
        },
        "add" => match document.pointer_mut(parent)? {
            Value::Array(entries) if last == "-" => {
                entries.push(value?);
                Some(())
            }
            Value::Object(members) => {
                members.insert(last.to_owned(), value?);
                Some(())
            }
            _ => None,
        },
        _ => None,
    }
}
