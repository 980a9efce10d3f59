//! What has been done so far, and the flag's way with its times.

use pastoral_support::clock;
use std::time::Instant;

/// What has been done so far.
pub(crate) struct Steps {
    began: Instant,
    count: usize,
    way: Vec<(String, i64)>,
}

impl Steps {
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            count: 0,
            way: Vec::new(),
        }
    }

    /// Says that something is done.
    pub(crate) fn done(&mut self, what: &str) {
        self.count += 1;
        println!("{:>6.1} s  {what}", self.began.elapsed().as_secs_f64());
    }

    /// A point on the flag's way, now.
    pub(crate) fn passed(&mut self, point: &str) {
        self.passed_at(point, clock::now_us());
    }

    /// A point on the flag's way, at a time in microseconds since 1970.
    pub(crate) fn passed_at(&mut self, point: &str, at_us: i64) {
        self.count += 1;
        self.way.push((point.into(), at_us));
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The flag's way as a table.
    pub(crate) fn print_way(&self) {
        let Some((_, first)) = self.way.first() else {
            return;
        };
        let mut way: Vec<_> = self.way.iter().collect();
        way.sort_by_key(|(_, at)| *at);
        println!("\nThe flag's way                                       after");
        for (point, at) in way {
            let after = (at - first).max(0);
            println!("  {point:<44} {:>6}.{} ms", after / 1000, after % 1000 / 100);
        }
    }
}
