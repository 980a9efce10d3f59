//! How taking files changes what is known. Pure.
//!
//! Who is known and not in the files has left, of the kind that is in them: a list of pupils says nothing of staff. A row
//! that was left out keeps its person as they are; where it cannot be told whose it was, nobody can be said to have left.

use super::plan::{Asked, Changed, Known, Leaves, Plan, What};
use super::stops;
use super::usernames::normal;
use super::{Reading, Row};
use std::collections::{HashMap, HashSet};

/// Some people left out cannot be told, and others would leave: who they are is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing was changed, because {left_out} rows were left out of which nobody can tell whose they are, and {leaving} people would leave, \
         who may be the same; mend these rows first"
)]
pub struct Unsafe {
    /// Rows of nobody knows whom.
    pub left_out: usize,
    /// People who would leave.
    pub leaving: usize,
}

impl Plan {
    /// Compares what is known with what files say.
    ///
    /// # Errors
    /// [`Unsafe`].
    pub fn of(known: &[Known], reading: &Reading) -> Result<Self, Unsafe> {
        let mut plan = Self::default();
        let by_id: HashMap<&str, &Known> = known
            .iter()
            .map(|known| (known.row.source_id.as_str(), known))
            .collect();
        let made_here = made_here(known);
        let mut met: HashSet<&str> = HashSet::new();
        for row in &reading.rows {
            let of_address = |row: &Row| made_here.get(&normal(&row.email)).copied().flatten();
            let found = by_id.get(row.source_id.as_str()).copied();
            let found = found.or_else(|| of_address(row).filter(|_| !row.role.is_pupil()));
            match found.filter(|known| met.insert(&known.person_id)) {
                Some(known) => plan.compare(known, row),
                None => plan.new.push(row.clone()),
            }
        }
        let gone = known
            .iter()
            .filter(|known| known.active && !known.made_here && !met.contains(known.person_id.as_str()));
        plan.leave(gone, reading);
        let nobodys = reading
            .left_out
            .iter()
            .filter(|fault| fault.source_id.is_none())
            .count();
        if nobodys > 0 && !plan.leaves.is_empty() {
            return Err(Unsafe {
                left_out: nobodys,
                leaving: plan.leaves.len(),
            });
        }
        plan.stops = stops::of(known, &plan);
        Ok(plan)
    }

    /// Who is known and not in the files has left, or stays as they are.
    fn leave<'k>(&mut self, gone: impl Iterator<Item = &'k Known>, reading: &Reading) {
        let kept: HashSet<&str> = reading
            .left_out
            .iter()
            .filter_map(|fault| fault.source_id.as_deref())
            .collect();
        let holds = |pupils: bool| reading.rows.iter().any(|row| row.role.is_pupil() == pupils);
        let (pupils, adults) = (holds(true), holds(false));
        for known in gone {
            let in_files = if known.row.role.is_pupil() { pupils } else { adults };
            if kept.contains(known.row.source_id.as_str()) {
                self.kept += 1;
            } else if in_files || reading.left.contains(&known.row.source_id) {
                self.leaves.push(Leaves {
                    person_id: known.person_id.clone(),
                    row: known.row.clone(),
                    duties: known.duties.clone(),
                });
            } else {
                self.untouched += 1;
            }
        }
    }

    fn compare(&mut self, known: &Known, row: &Row) {
        // What a file does not have is no news: another export, with fewer columns.
        let mut after = row.clone();
        for (field, before) in [
            (&mut after.username, &known.row.username),
            (&mut after.email, &known.row.email),
            (&mut after.year_group, &known.row.year_group),
            (&mut after.class_name, &known.row.class_name),
        ] {
            if field.is_empty() {
                before.clone_into(field);
            }
        }
        if !after.role.is_pupil() {
            after.year_group.clear();
            after.class_name.clear();
        }
        if !known.duties.is_empty() {
            after = self.with_duty(known, after);
        }
        let what = differences(&known.row, &after, known.active);
        if !what.is_empty() {
            self.changed.push(Changed {
                person_id: known.person_id.clone(),
                before: known.row.clone(),
                after,
                what,
            });
        }
    }

    /// INVARIANT 4: by name, address and role somebody signs in and is told apart; an import leaves them.
    fn with_duty(&mut self, known: &Known, file: Row) -> Row {
        let stays = &known.row;
        let kept = Row {
            role: stays.role,
            given_name: stays.given_name.clone(),
            family_name: stays.family_name.clone(),
            email: stays.email.clone(),
            ..file.clone()
        };
        let what: Vec<_> = differences(&kept, &file, true)
            .into_iter()
            .filter(|what| matches!(what, What::Name | What::Email | What::Role))
            .collect();
        if !what.is_empty() {
            self.asked.push(Asked {
                person_id: known.person_id.clone(),
                before: stays.clone(),
                file,
                what,
            });
        }
        Row {
            year_group: String::new(),
            class_name: String::new(),
            ..kept
        }
    }
}

/// Who was made here, by address: by it they are the same person as in the school's own list. None where two share one.
fn made_here(known: &[Known]) -> HashMap<String, Option<&Known>> {
    let mut by_address: HashMap<String, Option<&Known>> = HashMap::new();
    let made_here = |known: &&Known| known.made_here && known.active && !known.row.email.is_empty();
    for known in known.iter().filter(made_here) {
        by_address
            .entry(normal(&known.row.email))
            .and_modify(|same| *same = None)
            .or_insert(Some(known));
    }
    by_address
}

fn differences(before: &Row, after: &Row, active: bool) -> Vec<What> {
    let name = |row: &Row| (row.given_name.clone(), row.family_name.clone());
    let said = [
        (What::Name, name(before) != name(after)),
        (What::Email, normal(&before.email) != normal(&after.email)),
        (
            What::Role,
            (before.role, before.administration) != (after.role, after.administration),
        ),
        (What::Year, before.year_group != after.year_group),
        (What::Class, before.class_name != after.class_name),
        (What::Username, before.username != after.username),
        (What::Id, before.source_id != after.source_id),
        (What::Back, !active),
    ];
    said.into_iter()
        .filter_map(|(what, differs)| differs.then_some(what))
        .collect()
}
