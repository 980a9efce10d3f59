//! Who may be the second person of an act on somebody's access. Pure.
//!
//! Alone, one can harm nobody's access but one's own: every act on another's takes a reader who proposes it and a second
//! person, neither of them the person it is about. The second is a reader, too. While no other reader could be asked, a
//! technician counts, but never for somebody who could sign in as a reader before: for them a recovery sheet is one of
//! the two. A sheet and whoever keeps it are one person, not two.

use crate::seal::sheet::Sheet;
use crate::store::proposals::SignIns;

impl SignIns {
    /// Whether somebody may propose an act on a person's access.
    #[must_use]
    pub fn may_propose(&self, who: &str, person: &str) -> bool {
        who != person && (self.readers.contains(who) || Sheet::of_actor(who).is_some())
    }

    /// Whether somebody may agree to what another proposed about a person.
    #[must_use]
    pub fn may_agree(&self, who: &str, proposer: &str, person: &str) -> bool {
        if !self.may_propose(proposer, person) || who == person || self.are_one(who, proposer) {
            return false;
        }
        self.readers.contains(who)
            || Sheet::of_actor(who).is_some()
            || (self.technicians.contains(who) && self.a_technician_counts(proposer, person))
    }

    /// Whether two who act are one person, or may be: a sheet and who keeps it, or two sheets.
    fn are_one(&self, one: &str, other: &str) -> bool {
        let keeps = |who: &str, sheet| self.keepers.contains(&(sheet, who.to_owned()));
        match (Sheet::of_actor(one), Sheet::of_actor(other)) {
            (Some(_), Some(_)) => true,
            (Some(sheet), None) => keeps(other, sheet),
            (None, Some(sheet)) => keeps(one, sheet),
            (None, None) => one == other,
        }
    }

    /// Whether a reader other than the person can sign in: then no sheet acts alone.
    #[must_use]
    pub fn another_reads(&self, person: &str) -> bool {
        self.readers.iter().any(|reader| reader != person)
    }

    /// Whether somebody may be shown the code of a link: whoever runs the mail would have both.
    #[must_use]
    pub fn may_know_a_code(&self, who: &str) -> bool {
        !self.technicians.contains(who)
    }

    /// The readers who may agree.
    #[must_use]
    pub fn seconds(&self, proposer: &str, person: &str) -> Vec<&str> {
        let readers = self.readers.iter().map(String::as_str);
        readers
            .filter(|reader| *reader != person && !self.are_one(reader, proposer))
            .collect()
    }

    /// The readers who may agree and be shown the code of a link.
    #[must_use]
    pub fn tellers(&self, proposer: &str, person: &str) -> Vec<&str> {
        let mut seconds = self.seconds(proposer, person);
        seconds.retain(|reader| self.may_know_a_code(reader));
        seconds
    }

    /// Whether anybody may agree, without a recovery sheet.
    #[must_use]
    pub fn somebody_may_agree(&self, proposer: &str, person: &str) -> bool {
        !self.seconds(proposer, person).is_empty() || self.a_technician_counts(proposer, person)
    }

    /// Whether a recovery sheet may be the second.
    #[must_use]
    pub fn a_sheet_may_agree(&self, proposer: &str, person: &str) -> bool {
        let mut sheets = Sheet::ALL.into_iter().map(Sheet::actor);
        sheets.any(|sheet| self.may_agree(sheet, proposer, person))
    }

    /// Whether a technician may be the second.
    #[must_use]
    pub fn a_technician_counts(&self, proposer: &str, person: &str) -> bool {
        self.readers.contains(proposer)
            && self.seconds(proposer, person).is_empty()
            && !self.were_readers.contains(person)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn set(people: &[&str]) -> BTreeSet<String> {
        people.iter().map(|person| (*person).to_owned()).collect()
    }

    fn standing(readers: &[&str]) -> SignIns {
        SignIns {
            readers: set(readers),
            technicians: set(&["ed"]),
            were_readers: set(&[readers, &["gil"]].concat()),
            keepers: BTreeSet::from([(Sheet::Headteacher, "cy".to_owned())]),
        }
    }

    #[test]
    fn the_second_person_is_a_reader_and_neither_proposer_nor_subject() {
        let three = standing(&["ann", "bo", "cy"]);
        assert!(three.may_agree("cy", "ann", "bo"));
        for (who, proposer, person) in [
            ("ann", "ann", "flo"),
            ("bo", "ann", "bo"),
            ("cy", "ann", "ann"),
            ("cy", "ed", "flo"),
            ("cy", "flo", "pip"),
            ("flo", "ann", "pip"),
            ("ed", "ann", "flo"),
        ] {
            assert!(
                !three.may_agree(who, proposer, person),
                "{who} to {proposer}'s about {person}"
            );
        }
    }

    #[test]
    fn a_technician_counts_only_while_no_reader_could_be_asked_and_never_for_a_reader_of_before() {
        let one = standing(&["cy"]);
        assert!(one.may_agree("ed", "cy", "flo"));
        assert!(
            !one.may_agree("ed", "cy", "gil"),
            "could sign in as a reader before"
        );
        assert!(!one.may_agree("ed", "cy", "ed"), "about themselves");
        let two = standing(&["ann", "cy"]);
        assert!(!two.may_agree("ed", "cy", "flo"), "ann can be asked");
        assert!(!two.may_agree("ed", "cy", "ann"), "a recovery sheet stands in");
        let [head, chair] = Sheet::ALL.map(Sheet::actor);
        assert!(two.may_agree(chair, "cy", "ann"));
        assert!(two.may_agree("cy", chair, "ann"));
        assert!(two.may_agree("ann", head, "flo"));
        for sheet in [head, chair] {
            assert!(
                !two.may_agree("ed", sheet, "flo"),
                "a technician has the sheet in hand"
            );
        }
    }

    #[test]
    fn a_sheet_and_who_keeps_it_are_one_person_and_so_are_two_sheets() {
        let two = standing(&["ann", "cy"]);
        let [head, chair] = Sheet::ALL.map(Sheet::actor);
        assert!(!two.may_agree(head, "cy", "flo"), "proposed by its keeper");
        assert!(!two.may_agree("cy", head, "flo"), "agreed to by its keeper");
        assert!(!two.may_agree(chair, head, "flo"), "no person at all");
        assert_eq!(two.seconds(head, "flo"), ["ann"]);
        let one = standing(&["cy"]);
        assert!(one.seconds(head, "flo").is_empty() && one.another_reads("flo"));
        assert!(!one.another_reads("cy"));
        assert!(one.a_sheet_may_agree("cy", "flo"), "the chair's");
        let mut both = one;
        both.keepers.insert((Sheet::Chair, "cy".to_owned()));
        assert!(!both.a_sheet_may_agree("cy", "flo"));
    }

    #[test]
    fn a_reader_who_runs_the_mail_may_agree_and_is_told_no_code() {
        let mut three = standing(&["ann", "cy", "ed"]);
        assert!(three.may_agree("ed", "cy", "ann"));
        assert_eq!(three.tellers("cy", "flo"), ["ann"]);
        three.readers.remove("ann");
        assert!(three.tellers("cy", "flo").is_empty() && three.somebody_may_agree("cy", "flo"));
    }
}
