//! Where in a long list a page stands: which of how many it shows, and where the others are.

use std::collections::HashMap;

/// A page of a list whose length is known.
pub(super) struct Place {
    number: i64,
    shown: i64,
    of: i64,
}

impl Place {
    /// The page of that number, with so many on a page; the last one where there are not as many.
    pub(super) fn of(number: i64, shown: i64, of: i64) -> Self {
        let last = (of - 1).div_euclid(shown).max(0) + 1;
        Self {
            number: number.clamp(1, last),
            shown,
            of,
        }
    }

    /// Where it begins and how many it shows at most, for the store.
    pub(super) fn rows(&self) -> (i64, i64) {
        ((self.number - 1) * self.shown, self.shown)
    }

    /// What it shows of a list that is in memory.
    pub(super) fn slice<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        let (from, most) = self.rows();
        let at = |place: i64| usize::try_from(place).unwrap_or_default().min(all.len());
        &all[at(from)..at(from + most)]
    }

    pub(super) fn before(&self) -> Option<i64> {
        (self.number > 1).then(|| self.number - 1)
    }

    pub(super) fn after(&self) -> Option<i64> {
        (self.number * self.shown < self.of).then(|| self.number + 1)
    }

    /// Which of `things` these are, where they are not all.
    pub(super) fn range(&self, things: &str) -> String {
        if self.of <= self.shown {
            return String::new();
        }
        let (from, _) = self.rows();
        format!(
            "{things} {} to {} of {}.",
            from + 1,
            (from + self.shown).min(self.of),
            self.of
        )
    }
}

/// The number of the page that somebody asks for under this name.
pub(super) fn page_of(query: &HashMap<String, String>, name: &str) -> i64 {
    let page = query.get(name).and_then(|page| page.parse::<i64>().ok());
    page.unwrap_or(1).clamp(1, 100_000)
}

/// A length, as the store counts.
pub(super) fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_on_one_page_and_the_count_is_said() {
        for of in [0, 1, 99, 100, 101, 250] {
            let (mut number, mut seen) = (Some(1), 0);
            while let Some(page) = number {
                let place = Place::of(page, 100, of);
                assert_eq!(place.rows(), (seen, 100));
                seen = (seen + 100).min(of);
                number = place.after();
            }
            assert_eq!(seen, of);
        }
        assert_eq!(
            Place::of(2, 100, 250).range("Concerns"),
            "Concerns 101 to 200 of 250."
        );
        assert_eq!(
            Place::of(9, 100, 250).range("Concerns"),
            "Concerns 201 to 250 of 250."
        );
        assert_eq!(Place::of(1, 100, 100).range("Concerns"), "");
    }
}
