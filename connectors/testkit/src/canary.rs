//! Words that must not be found where they do not belong, however they are dressed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// A word planted in one place, with every form in which it may turn up in another.
///
/// A word of a dozen letters and digits is never there by chance, and no desk's formatting changes it.
#[derive(Clone, Debug)]
pub struct Canary {
    word: String,
    forms: Vec<(&'static str, String)>,
}

/// Text to be searched. In lower case, since that is one of the forms.
#[derive(Clone, Debug)]
pub struct Haystack(String);

impl Haystack {
    /// Whatever was sent, shown or logged.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(String::from_utf8_lossy(bytes.as_ref()).to_lowercase())
    }
}

impl Canary {
    /// Plants a word.
    pub fn new(word: impl Into<String>) -> Self {
        let word = word.into();
        let mut forms = vec![("plain", word.clone())];
        forms.extend((0..3).map(|before| ("base64", aligned(&word, before))));
        let each = |name: &'static str, written: &dyn Fn(char) -> String| {
            (name, word.chars().map(written).collect::<String>())
        };
        forms.push(each("percent", &|char| {
            let mut bytes = [0; 4];
            char.encode_utf8(&mut bytes).bytes().fold(String::new(), |mut text, byte| {
                text.push_str(&format!("%{byte:02x}"));
                text
            })
        }));
        forms.push(each("HTML entity", &|char| format!("&#{};", u32::from(char))));
        forms.push(each("HTML entity", &|char| format!("&#x{:x};", u32::from(char))));
        forms.push(each("JSON escape", &|char| {
            let mut units = [0; 2];
            char.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }));
        let forms = forms.into_iter().map(|(name, form)| (name, form.to_lowercase())).collect();
        Self { word, forms }
    }

    /// The word itself.
    pub fn word(&self) -> &str {
        &self.word
    }

    /// The name of the form in which it is there, if it is.
    pub fn form_in(&self, haystack: &Haystack) -> Option<&'static str> {
        self.forms.iter().find(|(_, form)| haystack.0.contains(form.as_str())).map(|(name, _)| *name)
    }
}

/// The part of the base64 of any text around it that depends on the word alone, with `before` bytes over from what
/// stands in front of it.
fn aligned(word: &str, before: usize) -> String {
    let mut bytes = vec![0; before];
    bytes.extend(word.bytes());
    let whole = STANDARD_NO_PAD.encode(&bytes);
    let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    whole.get(from..to).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_every_form_and_alignment() {
        let canary = Canary::new("Kanarie4711xyz");
        let entities: String =
            "Kanarie4711xyz".chars().map(|char| format!("&#{};", u32::from(char))).collect();
        let escaped: String =
            "Kanarie4711xyz".chars().map(|char| format!("\\u{:04X}", u32::from(char))).collect();
        let percent: String = "Kanarie4711xyz".bytes().map(|byte| format!("%{byte:02X}")).collect();
        for text in [
            "a Kanarie4711xyz b".to_owned(),
            "KANARIE4711XYZ".to_owned(),
            entities,
            format!("{{\"x\":\"{escaped}\"}}"),
            format!("q={percent}&y"),
            STANDARD_NO_PAD.encode("Kanarie4711xyz"),
            STANDARD_NO_PAD.encode("1Kanarie4711xyz and more"),
            STANDARD_NO_PAD.encode("12Kanarie4711xyz1"),
            STANDARD_NO_PAD.encode("123Kanarie4711xyz12"),
        ] {
            assert!(canary.form_in(&Haystack::of(&text)).is_some(), "{text}");
        }
        for text in ["", "Kanarie4712xyz", "Kanarie4711xy"] {
            assert_eq!(canary.form_in(&Haystack::of(text)), None, "{text}");
        }
    }
}
