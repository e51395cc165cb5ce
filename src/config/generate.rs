//! Writes the JSON schema from the declaration, and keeps the generated files in `config/` fresh.

use serde_json::{Map, Value as Json, json};
use throughline_sdk::SettingKind;

use super::KindSettings;
use super::declaration::{Holds, Key, Names, Need, ROOT, Table};
use super::value::NAME_PATTERN;

pub use super::example::{agreement_example, example};

/// The JSON schema (2020-12) of the main file, for editors.
pub fn schema(kinds: &[KindSettings]) -> Json {
    let mut schema = table(&ROOT, kinds);
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".to_owned(), json!("Throughline"));
    }
    schema
}

fn table(declared: &Table, kinds: &[KindSettings]) -> Json {
    let mut schema = object(declared.doc, declared.keys, kinds);
    if declared.takes_kind
        && let Some(object) = schema.as_object_mut()
    {
        for kind in kinds {
            let keys: Vec<Key> = kind.settings.iter().map(Key::from_setting).collect();
            let settings = self::object(&format!("A system of the kind {}.", kind.kind), &keys, kinds);
            if let Some(properties) = object.get_mut("properties").and_then(Json::as_object_mut) {
                properties.insert(kind.kind.to_owned(), settings);
            }
        }
        let one: Vec<Json> = kinds.iter().map(|kind| json!({ "required": [kind.kind] })).collect();
        if !one.is_empty() {
            object.insert("oneOf".to_owned(), Json::from(one));
        }
    }
    schema
}

fn object(doc: &str, keys: &[Key], kinds: &[KindSettings]) -> Json {
    let properties: Map<String, Json> =
        keys.iter().map(|declared| (declared.key.to_owned(), key(declared, kinds))).collect();
    let required: Vec<&str> =
        keys.iter().filter(|key| key.need == Need::Required).map(|key| key.key).collect();
    json!({
        "type": "object",
        "description": doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn key(declared: &Key, kinds: &[KindSettings]) -> Json {
    let mut schema = holds(declared.holds, kinds);
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), json!(declared.doc));
        if let Need::Default(text) = declared.need
            && let Some(default) = as_json(text)
        {
            object.insert("default".to_owned(), default);
        }
        if let Some(example) = as_json(declared.example) {
            object.insert("examples".to_owned(), json!([example]));
        }
    }
    schema
}

fn holds(holds: Holds, kinds: &[KindSettings]) -> Json {
    match holds {
        Holds::Setting(kind) => setting(kind),
        Holds::Number { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Holds::Span { .. } => setting(SettingKind::Duration),
        Holds::Size => json!({ "type": "string", "pattern": "^ ?[0-9]+ ?(B|[kK]B|MB|GB|[KMG]iB) ?$" }),
        Holds::Path => json!({ "type": "string", "minLength": 1 }),
        Holds::Socket => json!({ "type": "string", "pattern": "^[0-9a-fA-F.:\\[\\]%]+:[0-9]+$" }),
        Holds::Networks => json!({
            "type": "array",
            "items": { "type": "string", "pattern": "^([0-9a-fA-F.:]+(/[0-9]{1,3})?|[^/: ]+)$" },
        }),
        Holds::Name => json!({ "type": "string", "pattern": NAME_PATTERN }),
        Holds::TextToWord(words) => json!({ "type": "object", "additionalProperties": { "enum": words } }),
        Holds::WordToText(words) => json!({
            "type": "object",
            "propertyNames": { "enum": words },
            "additionalProperties": { "type": "string" },
        }),
        Holds::Condition => json!({ "type": "string", "minLength": 1 }),
        Holds::Otherwise => json!({ "oneOf": [
            { "enum": ["park", "as_it_is"] },
            {
                "type": "object",
                "properties": { "default": { "type": "string" } },
                "required": ["default"],
                "additionalProperties": false,
            },
        ] }),
        Holds::Table(declared) => table(declared, kinds),
        Holds::Named(declared, names) => {
            let pattern = match names {
                Names::Given => NAME_PATTERN,
                Names::Fields => "^(title|description|status|priority|type|field:.+)$",
            };
            json!({
                "type": "object",
                "propertyNames": { "pattern": pattern },
                "additionalProperties": table(declared, kinds),
            })
        }
    }
}

fn setting(kind: SettingKind) -> Json {
    match kind {
        SettingKind::Text => json!({ "type": "string" }),
        SettingKind::File => json!({ "type": "string", "minLength": 1 }),
        SettingKind::Address => json!({ "type": "string", "format": "uri", "pattern": "^https?://" }),
        SettingKind::Secret => json!({
            "type": "object",
            "properties": {
                "env": { "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
                "file": { "type": "string", "minLength": 1 },
            },
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
        }),
        SettingKind::Count => json!({ "type": "integer", "minimum": 0 }),
        SettingKind::Flag => json!({ "type": "boolean" }),
        SettingKind::Duration => json!({ "type": "string", "pattern": "^ ?([0-9]+ ?[smhd] ?)+$" }),
        SettingKind::Word(words) => json!({ "enum": words }),
        SettingKind::TextList => json!({ "type": "array", "items": { "type": "string" } }),
        SettingKind::TextMap => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
    }
}

/// A TOML value as JSON; `None` where there is none.
fn as_json(value: &str) -> Option<Json> {
    let table: toml::Table = toml::from_str(&format!("value = {value}")).ok()?;
    serde_json::to_value(table.get("value")?).ok()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::tests::fixture;
    use super::*;

    /// The kinds that the committed files are generated for.
    fn kinds() -> Vec<KindSettings> {
        crate::daemon::assemble::kind_settings()
    }

    #[test]
    fn the_committed_example_is_fresh() {
        check_fresh("throughline.example.toml", &example(&kinds()));
        check_fresh("agreements/fabrikam.example.toml", &agreement_example(&kinds()));
    }

    #[test]
    fn the_committed_schema_is_fresh() {
        let text = serde_json::to_string_pretty(&schema(&kinds())).unwrap();
        check_fresh("throughline.schema.json", &format!("{text}\n"));
    }

    #[test]
    fn the_example_loads_when_its_secrets_exist() {
        fixture::load_generated(&example(&kinds()), &agreement_example(&kinds()), &kinds());
    }

    #[test]
    fn every_default_and_example_of_the_declaration_loads() {
        // A key that is commented out follows its `#` directly; prose has a space between.
        let uncommented = |text: String| -> String {
            let lines = text.lines().map(|line| match line.strip_prefix('#') {
                Some(rest) if !rest.starts_with([' ', ':']) => format!("{rest}\n"),
                _ => format!("{line}\n"),
            });
            lines.collect()
        };
        let (main, agreement) = (uncommented(example(&kinds())), uncommented(agreement_example(&kinds())));
        fixture::load_generated(&main, &agreement, &kinds());
    }

    #[test]
    fn the_schema_knows_each_kind_and_asks_for_one() {
        let schema = schema(&kinds());
        let system = &schema["properties"]["systems"]["additionalProperties"];
        for kind in kinds() {
            assert_eq!(system["properties"][kind.kind]["additionalProperties"], false, "{}", kind.kind);
        }
        assert_eq!(system["oneOf"].as_array().unwrap().len(), kinds().len());
        assert_eq!(schema["properties"]["bridge"]["properties"]["reconcile"]["default"], "24h");
    }

    fn check_fresh(name: &str, generated: &str) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, generated).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == generated, "config/{name} is stale; run the tests with UPDATE=1 and commit it");
    }
}
