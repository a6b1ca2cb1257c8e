//! The table: what was measured, its floor, the ratio, the bar.

use serde_json::json;

/// One line.
pub(crate) struct Row {
    pub(crate) database: &'static str,
    pub(crate) work: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// What it is compared with: name and value.
    pub(crate) floor: Option<(&'static str, f64)>,
    /// The bar on the ratio (or, without a floor, on the value), and whether more is better.
    pub(crate) bar: Option<(f64, bool)>,
    /// Every ratio in the order of the rounds, when there are any; the row is the round whose ratio is the median.
    pub(crate) rounds: Vec<f64>,
}

impl Row {
    pub(crate) fn new(database: &'static str, work: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            database,
            work: work.into(),
            value,
            unit,
            floor: None,
            bar: None,
            rounds: Vec::new(),
        }
    }

    /// What was measured in turns with its floor, value and floor of each round: the round whose ratio is the median.
    pub(crate) fn of_rounds(
        database: &'static str,
        work: &str,
        unit: &'static str,
        name: &'static str,
        mut rounds: Vec<(f64, f64)>,
    ) -> Self {
        let ratios = rounds.iter().map(|(value, floor)| value / floor).collect();
        rounds.sort_by(|one, other| (one.0 / one.1).total_cmp(&(other.0 / other.1)));
        let (value, floor) = rounds[rounds.len() / 2];
        Self {
            rounds: ratios,
            ..Self::new(database, work, value, unit).floor(name, floor)
        }
    }

    pub(crate) fn floor(mut self, name: &'static str, value: f64) -> Self {
        self.floor = Some((name, value));
        self
    }

    pub(crate) fn at_least(mut self, bar: f64) -> Self {
        self.bar = Some((bar, true));
        self
    }

    pub(crate) fn at_most(mut self, bar: f64) -> Self {
        self.bar = Some((bar, false));
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.floor.map(|(_, floor)| self.value / floor)
    }

    fn verdict(&self) -> &'static str {
        match self.bar {
            None => "",
            Some((bar, more)) => {
                let measured = self.ratio().unwrap_or(self.value);
                if (measured >= bar) == more { "met" } else { "MISSED" }
            }
        }
    }
}

fn number(value: f64) -> String {
    if value >= 1_000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

pub(crate) fn print(rows: &[Row]) {
    println!(
        "{:9} {:58} {:>12} {:10} {:>28} {:>7} {:>9} {:6} rounds",
        "database", "work", "measured", "", "floor", "ratio", "bar", ""
    );
    for row in rows {
        let floor = row
            .floor
            .map_or_else(String::new, |(name, value)| format!("{name} {}", number(value)));
        let ratio = row.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let bar = row.bar.map_or_else(String::new, |(bar, more)| {
            format!(
                "{} {}",
                if more { "≥" } else { "≤" },
                if bar >= 100.0 {
                    format!("{bar:.0}")
                } else {
                    format!("{bar}")
                }
            )
        });
        let rounds: Vec<String> = row.rounds.iter().map(|ratio| format!("{ratio:.2}")).collect();
        println!(
            "{:9} {:58} {:>12} {:10} {floor:>28} {ratio:>7} {bar:>9} {:6} {}",
            row.database,
            row.work,
            number(row.value),
            row.unit,
            row.verdict(),
            rounds.join(" ")
        );
    }
}

pub(crate) fn json(rows: &[Row]) -> serde_json::Value {
    let row = |row: &Row| {
        json!({
            "database": row.database, "work": row.work, "value": row.value, "unit": row.unit,
            "floor": row.floor.map(|(name, value)| json!({ "name": name, "value": value })),
            "ratio": row.ratio(), "rounds": row.rounds,
            "bar": row.bar.map(|(bar, more)| json!({ "value": bar, "at_least": more })),
            "verdict": row.verdict(),
        })
    };
    serde_json::Value::Array(rows.iter().map(row).collect())
}
