//! People in words, so that nobody is taken for another.

use crate::concerns::kind::SubjectRole;
use crate::store::overview::Candidate;

/// A year group in words; nothing where it is not known.
pub(in crate::console) fn year(group: &str) -> String {
    match group {
        "" => String::new(),
        "R" => "Reception".to_owned(),
        "N" => "Nursery".to_owned(),
        year => format!("year {year}"),
    }
}

/// A person, so that nobody is taken for another.
pub(in crate::console) struct Described {
    pub(in crate::console) name: String,
    pub(in crate::console) details: Vec<(&'static str, String)>,
}

/// What tells a person from others of the same name.
pub(in crate::console) fn described(person: &Candidate) -> Described {
    let is_pupil = person.role.is_pupil();
    let mut details = vec![("Is", person.role.words().to_owned())];
    let known = [
        ("Year", year(&person.year_group), is_pupil),
        ("Class", person.class_name.clone(), is_pupil),
        ("User name", person.username.clone(), true),
    ];
    details.extend(
        known
            .into_iter()
            .filter(|(_, value, applies)| *applies && !value.is_empty())
            .map(|(label, value, _)| (label, value)),
    );
    Described {
        name: person.name.clone(),
        details,
    }
}

/// People under headings: pupils by year, then adults.
pub(in crate::console) fn grouped(people: Vec<Candidate>) -> Vec<(String, Vec<Candidate>)> {
    let mut groups: Vec<(String, Vec<Candidate>)> = Vec::new();
    for person in people {
        let heading = match (person.role, person.year_group.as_str()) {
            (SubjectRole::Pupil, "") => "Pupils".to_owned(),
            (SubjectRole::Pupil, "R") => "Reception".to_owned(),
            (SubjectRole::Pupil, year) => format!("Year {year}"),
            (other, _) => capital(other.words()),
        };
        match groups.last_mut() {
            Some((last, people)) if *last == heading => people.push(person),
            _ => groups.push((heading, vec![person])),
        }
    }
    groups
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
