//! Facts as they are sealed: their JSON, compressed, because what a ticket says stands in several facts of one record
//! and what is sealed cannot be compressed any more.

/// What facts have in common, so that a short record compresses too. Another text needs another record version.
const DICTIONARY: &[u8] = br##"[{"fact":"started","version":"0.1.0"},{"fact":"opened"},{"fact":"joined","leg":"helpdesk","party":"home","role":"counterpart","agreement":""},{"fact":"remarked","origin":"#","author":"","written":"2026-","body":"","version":1},{"fact":"attached","origin":"#","name":"","media_type":"application/octet-stream","size":1,"author":"","written":"2026-"},{"fact":"stored","origin":"","digest":""},{"fact":"withheld","leg":"","what":"comment:","rule":""},{"fact":"parked","leg":"","item":"","want":"","kind":"rejected","reason":""},{"fact":"attempted","leg":"","intent":"TL-","kind":"unavailable","reason":"","doubtful":false,"counted":true,"not_before":"2026-"},{"fact":"postponed","leg":"partner"},{"fact":"intended","leg":"partner","item":"comment:#","value":"","intent":{"id":"TL-1-1","operation":{"do":"comment","body":"","visibility":"public"},"marker":"tl-"}},{"fact":"intended","leg":"partner","item":"link:partner","intent":{"id":"TL-1-2","ticket":"1","operation":{"do":"link_back","label":"","url":null},"marker":"tl-"}},{"fact":"intended","leg":"partner","item":"ticket","intent":{"id":"TL-1-1","operation":{"do":"create","title":"","description":"","status":"","priority":""},"marker":"tl-"}},{"fact":"changed","field":"description","value":"","leg":"helpdesk","changed":"2026-01-01T00:00:00Z"},{"fact":"changed","field":"priority","value":"normal","leg":"helpdesk","changed":"2026-01-01T00:00:00Z"},{"fact":"effected","leg":"partner","intent":"TL-1-2","subject":{"ticket":"1"}},{"fact":"observed","leg":"partner","reading":{"ticket":"1","key":"1","url":"https://","version":"1","updated":"2026-01-01T00:00:00Z","fields":{"title":"","description":"","status":"","priority":"","type":""},"agreed":{"title":"","description":"","status":"","priority":"","type":""},"comments":[{"id":"","origin":"","print":"","version":1}]}},{"fact":"planned","leg":"partner"},{"fact":"hinted","ticket":{"system":"helpdesk","id":"1"},"source":"webhook"},{"fact":"observed","leg":"helpdesk","reading":{"version":"2","updated":"2026-01-01T00:00:00Z","fields":{"status":""},"agreed":{"status":""}}},{"fact":"changed","field":"status","value":"open","leg":"helpdesk","changed":"2026-01-01T00:00:00Z"},{"fact":"intended","leg":"partner","item":"status","value":"","intent":{"id":"TL-1-4","ticket":"1","expected":"1","operation":{"do":"update","changes":{"title":""}},"marker":"tl-"}},{"fact":"answered","ticket":{"system":"helpdesk","id":"1"},"through":1}]"##;
/// Nothing that was sealed whole is longer when it is opened: a length that says so is damage.
const LONGEST: usize = 1 << 30;

/// Puts the packed form of facts' JSON in its place: its length, then the JSON, compressed.
pub(super) fn pack(json: &mut Vec<u8>) {
    let length = u32::try_from(json.len()).unwrap_or(u32::MAX).to_be_bytes();
    let packed = lz4_flex::block::compress_with_dict(json, DICTIONARY);
    json.clear();
    json.extend_from_slice(&length);
    json.extend_from_slice(&packed);
}

/// The JSON of the facts of a record of the given version.
pub(super) fn unpack(sealed: &[u8], version: u32) -> Result<Vec<u8>, String> {
    if version == 1 {
        return Ok(sealed.to_vec());
    }
    let (length, packed) = sealed.split_first_chunk::<4>().ok_or("they are too short")?;
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err("they say that they are longer than facts can be".to_owned());
    }
    lz4_flex::block::decompress_with_dict(packed, length, DICTIONARY).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Fact;

    #[test]
    fn what_was_written_is_read_and_version_1_too() {
        let facts = [Fact::Opened, Fact::Started { version: "x".repeat(500) }];
        let json = serde_json::to_vec(&facts).unwrap();
        let mut packed = json.clone();
        pack(&mut packed);
        assert!(packed.len() < 100, "{}", packed.len());
        assert_eq!(unpack(&packed, 2).unwrap(), json);
        assert_eq!(unpack(&packed, 3).unwrap(), json);
        assert_eq!(unpack(&json, 1).unwrap(), json);
    }

    #[test]
    fn damage_is_told_and_nothing_more() {
        for bytes in [&[][..], &[0, 0, 0], &[0, 0, 0, 9, 1, 2, 3], &[255; 12], b"[{\"fact\":\"opened\"}]"] {
            unpack(bytes, 2).unwrap_err();
        }
    }
}
