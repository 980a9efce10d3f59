//! What was seen of a concern, or written down when it was recorded.

use super::known::Known;
use crate::concerns::action::Action;
use crate::console::answer::Failure;
use crate::console::concern::flags::{At, Flags};
use crate::console::concern::pupil::Pupil;
use crate::console::opened::{FlagShown, Opener, without_content};
use crate::console::words::Clock;

/// Flags of a page that stand open; the others are folded, so that the procedure stays near.
const AT_FIRST: usize = 3;

pub(super) struct Shown {
    /// Nothing of the content is shown before the person is known.
    pub(super) hidden: bool,
    /// What was written when it was recorded by hand.
    pub(super) written: String,
    pub(super) flags: Vec<FlagShown>,
    pub(super) at: At,
    pub(super) at_first: usize,
}

impl Shown {
    pub(super) async fn of(
        known: &Known<'_>,
        flags: Flags,
        opener: &Opener<'_>,
        clock: &Clock,
    ) -> Result<Self, Failure> {
        let (concern, hidden) = (&known.concern, known.is_hidden());
        let of_pupil = concern.person.is_some() && known.is_pupil();
        let pupil = Pupil::of(known.console, concern.person.as_ref()).await?;
        let shown = flags.rows.iter().map(|row| FlagShown {
            device: known.devices.get(&row.device_id).cloned().unwrap_or_default(),
            whose_rules: pupil.as_ref().map(|pupil| pupil.then(row)).unwrap_or_default(),
            ..match hidden {
                true => without_content(row, clock),
                false => opener.flag(row, of_pupil, clock),
            }
        });
        let mut recorded = known
            .done
            .iter()
            .filter(|row| concern.by_hand && row.action == Action::Recorded);
        Ok(Self {
            hidden,
            written: recorded
                .next()
                .and_then(|row| opener.words(row))
                .unwrap_or_default(),
            flags: shown.collect(),
            at: flags.at,
            at_first: AT_FIRST,
        })
    }
}
