//! The bench's result: what was measured, what is wanted, and whether it is met.

use serde::Serialize;

use crate::cli::Output;

/// Everything that was measured, in the order it is shown.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
}

/// One line of the table.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    what: String,
    measured: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<Wanted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<bool>,
}

/// A bound.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Wanted {
    fn met(self, measured: f64) -> bool {
        match self {
            Self::AtLeast(bound) => measured >= bound,
            Self::AtMost(bound) => measured <= bound,
        }
    }
}

impl Report {
    /// A number that explains others.
    pub(super) fn note(&mut self, what: impl Into<String>, measured: f64, unit: &'static str) {
        self.rows.push(Row { what: what.into(), measured, unit, wanted: None, met: None });
    }

    /// A number with a bound.
    pub(super) fn judge(
        &mut self,
        what: impl Into<String>,
        measured: f64,
        unit: &'static str,
        wanted: Wanted,
    ) {
        let met = Some(wanted.met(measured));
        self.rows.push(Row { what: what.into(), measured, unit, wanted: Some(wanted), met });
    }

    /// Prints it, as a table or as JSON.
    pub(super) fn print(&self, output: &Output) {
        if output.json {
            return output.value(self);
        }
        let rows: Vec<Vec<String>> = self.rows.iter().map(Row::cells).collect();
        output.table(&["what", "measured", "wanted", "met"], &rows);
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let wanted = match self.wanted {
            Some(Wanted::AtLeast(bound)) => format!("≥ {}", self.number(bound)),
            Some(Wanted::AtMost(bound)) => format!("≤ {}", self.number(bound)),
            None => String::new(),
        };
        let met = match self.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        vec![self.what.clone(), self.number(self.measured), wanted, met.to_owned()]
    }

    fn number(&self, number: f64) -> String {
        let digits = if number.abs() >= 100.0 { 0 } else { 2 };
        format!("{number:.digits$} {}", self.unit).trim_end().to_owned()
    }
}

/// The middle one of several measurements.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_one_of_the_numbers() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn a_bound_is_met_at_the_bound() {
        assert!(Wanted::AtLeast(2.0).met(2.0) && Wanted::AtMost(2.0).met(2.0));
        assert!(!Wanted::AtLeast(2.0).met(1.9) && !Wanted::AtMost(2.0).met(2.1));
        assert!(!Wanted::AtMost(2.0).met(f64::NAN));
    }
}
