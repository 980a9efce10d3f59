//! Tells open consoles that something changed. Says which school and concern, and nothing else: each console
//! then asks the store what its own reader may see.

use tokio::sync::broadcast;

/// Something changed for a school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveChange {
    /// The school.
    pub school_id: String,
    /// The concern; none when it was something else, such as a device.
    pub concern_id: Option<String>,
}

/// A bounded channel of changes. A console that falls behind is told so by its receiver and reads everything again.
#[derive(Debug, Clone)]
pub struct Live {
    changes: broadcast::Sender<LiveChange>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            changes: broadcast::channel(1024).0,
        }
    }
}

impl Live {
    /// Tells every open console. With none open it is lost, as it should be.
    pub fn tell(&self, change: LiveChange) {
        let _nobody_listens = self.changes.send(change);
    }

    /// From now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<LiveChange> {
        self.changes.subscribe()
    }
}
