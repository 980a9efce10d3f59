//! What a device last said of itself, as it stands in the store, and what of it is wrong in words.

use pastoral_proto::{DeviceFault, device, limits};
use serde::{Deserialize, Serialize};

/// What a device last said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// When it said so, by the collector's clock; none where it never did.
    pub at: Option<i64>,
    /// What is wrong and what to do, in its words.
    troubles: Vec<String>,
    helpers: Vec<Helper>,
    /// A code of [`DeviceFault`]; empty where it says that it protects.
    fault: String,
}

/// The helper of one desktop.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Helper {
    alive: bool,
    not_watched: Vec<String>,
}

impl From<&device::Health> for Health {
    fn from(said: &device::Health) -> Self {
        let sentences =
            |all: &[String], most| all.iter().take(most).map(|one| limits::sentence(one)).collect();
        let helpers = said.helpers.iter().map(|helper| Helper {
            alive: helper.alive,
            not_watched: sentences(&helper.not_watched, limits::NOT_WATCHED),
        });
        Self {
            at: None,
            troubles: sentences(&said.troubles, usize::MAX),
            helpers: helpers.collect(),
            fault: limits::sentence(&said.fault),
        }
    }
}

impl Health {
    /// Reads what stands in the store; what cannot be read is like nothing said.
    #[must_use]
    pub fn stored(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    /// The same, said at this time.
    #[must_use]
    pub fn said(self, at: i64) -> Self {
        Self { at: Some(at), ..self }
    }

    /// What is wrong with the device by its own word, for people to read; nothing where it says that it protects.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        let mut says = self.troubles.clone();
        let dead = self.helpers.iter().filter(|helper| !helper.alive).count();
        if dead > 0 {
            let desktops = if dead == 1 { "desktop" } else { "desktops" };
            says.push(format!(
                "On {dead} {desktops} the helper does not answer: what is done there is not seen."
            ));
        }
        let mut not_watched: Vec<_> = self
            .helpers
            .iter()
            .flat_map(|helper| &helper.not_watched)
            .collect();
        not_watched.sort_unstable();
        not_watched.dedup();
        says.extend(not_watched.into_iter().map(|what| format!("Not watched: {what}")));
        if let Some(fault) = DeviceFault::from_code(&self.fault).filter(|_| says.is_empty()) {
            says.push(format!("It says that it does not protect: {}.", fault.words()));
        }
        says
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_says_of_itself_decides_also_where_it_names_no_trouble() {
        let said = |fault: &str| {
            Health::from(&device::Health {
                fault: fault.into(),
                ..device::Health::default()
            })
        };
        assert!(said("").troubles().is_empty());
        assert!(said("not-watched").troubles()[0].contains("does not protect"));
        assert!(!said("of-a-later-version").troubles().is_empty());
        let stored = serde_json::to_string(&said("broken")).unwrap();
        assert_eq!(Health::stored(Some(&stored)), said("broken"));
        assert_eq!(Health::stored(Some("{")), Health::default());
    }
}
