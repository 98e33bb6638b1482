//! The kills of many tellings, as a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::bench::{Kill, Telling, Told};

/// What came of the kills.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<String, Row>,
    resumed_after: Vec<Duration>,
    pub(crate) wrong: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Row {
    tellings: usize,
    kills: usize,
    resumed: usize,
    lost: usize,
    doubled: usize,
}

impl Table {
    pub(crate) fn enter(&mut self, telling: &Telling, told: Told) {
        let name = match telling.kills.as_slice() {
            [Kill::At(point, _)] => point.clone(),
            [Kill::After(_)] => "at a random moment".to_owned(),
            _ => "at a point, and again in recovery".to_owned(),
        };
        let row = self.rows.entry(name).or_default();
        row.tellings += 1;
        row.kills += told.killed;
        row.resumed += usize::from(told.killed > 0 && told.lost.is_empty());
        row.lost += usize::from(!told.lost.is_empty());
        row.doubled += usize::from(!told.doubled.is_empty());
        self.resumed_after.extend(told.resumed_after);
        self.wrong.extend(told.lost);
        self.wrong.extend(told.doubled);
    }

    pub(crate) fn kills(&self) -> usize {
        self.rows.values().map(|row| row.kills).sum()
    }

    pub(crate) fn points(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// The longest, and the one in the middle, from the start of a server to its first fact.
    pub(crate) fn resumed_after(&self) -> Option<(Duration, Duration)> {
        let mut sorted = self.resumed_after.clone();
        sorted.sort();
        Some((*sorted.get(sorted.len() / 2)?, *sorted.last()?))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<36} {:>8} {:>6} {:>8} {:>5} {:>8}", "point", "tellings", "kills", "resumed", "lost", "doubled")?;
        let mut all = Row::default();
        for (point, row) in &self.rows {
            line(f, point, *row)?;
            all.tellings += row.tellings;
            all.kills += row.kills;
            all.resumed += row.resumed;
            all.lost += row.lost;
            all.doubled += row.doubled;
        }
        line(f, "all", all)?;
        if let Some((middle, longest)) = self.resumed_after() {
            let seconds = |time: Duration| time.as_secs_f32();
            writeln!(
                f,
                "from restart to going on: p50 {:.3} s, longest {:.3} s, of {}",
                seconds(middle),
                seconds(longest),
                self.resumed_after.len()
            )?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, point: &str, row: Row) -> fmt::Result {
    let Row { tellings, kills, resumed, lost, doubled } = row;
    writeln!(f, "{point:<36} {tellings:>8} {kills:>6} {resumed:>8} {lost:>5} {doubled:>8}")
}
