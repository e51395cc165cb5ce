//! The standard's lifecycle of a ticket: eight statuses and the steps between them.
//!
//! The standard calls it an example set, and draws it in TMF621 v4.0.0 and v5.0.1 alike.

/// Every status.
pub(crate) const STATUSES: [&str; 8] =
    ["acknowledged", "inProgress", "pending", "held", "resolved", "closed", "cancelled", "rejected"];

/// Whether nothing follows this status.
pub(crate) fn is_final(status: &str) -> bool {
    STATUSES.contains(&status) && next(status).is_empty()
}

/// What may follow a status.
fn next(status: &str) -> &'static [&'static str] {
    match status {
        "acknowledged" => &["inProgress", "rejected", "cancelled"],
        "inProgress" => &["pending", "held", "resolved", "cancelled"],
        "pending" => &["inProgress", "cancelled"],
        "held" => &["inProgress"],
        "resolved" => &["closed", "inProgress"],
        // rejected, closed and cancelled are final; what the standard does not know has no steps of its own.
        _ => &[],
    }
}

/// The shortest way between two statuses, without the first; the wished-for status alone where the standard draws no
/// way, for desks that are freer than it.
pub(crate) fn way(from: &str, to: &str) -> Vec<String> {
    let mut ways: Vec<Vec<&str>> = vec![vec![from]];
    let mut seen = vec![from];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for step in way.last().map_or(&[][..], |last| next(last)) {
                let mut way = way.clone();
                way.push(step);
                if *step == to {
                    return way.into_iter().skip(1).map(str::to_owned).collect();
                }
                if !seen.contains(step) {
                    seen.push(step);
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    vec![to.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_walked_in_the_standards_steps() {
        for (from, to, expected) in [
            ("acknowledged", "inProgress", &["inProgress"][..]),
            ("acknowledged", "resolved", &["inProgress", "resolved"]),
            ("acknowledged", "closed", &["inProgress", "resolved", "closed"]),
            ("held", "closed", &["inProgress", "resolved", "closed"]),
            ("resolved", "held", &["inProgress", "held"]),
            ("closed", "inProgress", &["inProgress"]),
            ("Custom", "resolved", &["resolved"]),
        ] {
            assert_eq!(way(from, to), expected, "{from} to {to}");
        }
    }

    #[test]
    fn three_statuses_are_final() {
        let last: Vec<_> = STATUSES.into_iter().filter(|status| is_final(status)).collect();
        assert_eq!(last, ["closed", "cancelled", "rejected"]);
        assert!(!is_final("Custom"));
    }
}
