//! What notices tell. It stands in the outbox as JSON until a notice has left or ended, and its words are made of it when it
//! leaves: what is added to a sort later needs a default, for those that wait.
//!
//! INVARIANT 9: what is here is all that a notice can say. It names nobody and quotes nothing.

use super::Sort;
use crate::concerns::escalation::Why;
use crate::store::acts::AccessChange;
use serde::{Deserialize, Serialize};

/// What a notice tells: for each sort, what its words are made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matter {
    /// A concern comes to its reader, and why.
    New(Why),
    /// A concern's severity rose.
    Risen,
    /// Somebody corrected whom a severe concern is about.
    Corrected,
    /// Nobody has answered.
    Unanswered,
    /// How many concerns there are is asked when it leaves; so of all that gather.
    Several,
    /// A backlog.
    Digest,
    /// Concerns that still wait.
    Reminder,
    /// Concerns that are somebody else's now.
    Yours,
    /// Concerns whose review date has come.
    Review,
    /// What waits for agreement.
    AgreementWanted,
    /// A conflict of interest.
    Conflict {
        /// When it ends by itself.
        lapses_at: Option<i64>,
    },
    /// A concern that nobody can read.
    Unread {
        /// No reader may know of it or can be told.
        to_technician: bool,
    },
    /// Others try to sign in as its reader.
    Siege,
    /// The head of the audit chain.
    AuditHead {
        /// Its number, see [`crate::chain::number`].
        number: String,
        /// The fingerprint of the keys that content is sealed to.
        keys: String,
        /// When it was the head.
        at: i64,
    },
    /// The audit chain is broken.
    AuditBroken,
    /// Content is sealed for other keys than the readers'.
    KeysDiffer {
        /// Their fingerprint.
        keys: String,
    },
    /// Somebody signed in with another key than the one recorded of them.
    OwnKeyDiffers,
    /// A backup was brought back.
    Restored {
        /// When it was made.
        from: i64,
    },
    /// The school safe was opened.
    SafeOpened,
    /// A link by which somebody sets up how they sign in.
    Link {
        /// Below the console's address; a secret.
        path: String,
        /// Until when it can be used.
        until: i64,
    },
    /// Somebody's access was changed.
    Access {
        /// How.
        what: AccessChange,
        /// It is its reader's own.
        own: bool,
    },
    /// Which laptops are silent.
    LaptopsDaily(Laptops),
    /// How many laptops are silent, and which.
    LaptopsWeekly(Laptops),
}

impl Matter {
    /// Of which sort a notice is that tells it.
    #[must_use]
    pub const fn sort(&self) -> Sort {
        match self {
            Self::New(_) => Sort::New,
            Self::Risen => Sort::Risen,
            Self::Corrected => Sort::Corrected,
            Self::Unanswered => Sort::Unanswered,
            Self::Several => Sort::Several,
            Self::Digest => Sort::Digest,
            Self::Reminder => Sort::Reminder,
            Self::Yours => Sort::Yours,
            Self::Review => Sort::Review,
            Self::AgreementWanted => Sort::AgreementWanted,
            Self::Conflict { .. } => Sort::Conflict,
            Self::Unread { .. } => Sort::Unread,
            Self::Siege => Sort::Siege,
            Self::AuditHead { .. } => Sort::AuditHead,
            Self::AuditBroken => Sort::AuditBroken,
            Self::KeysDiffer { .. } => Sort::KeysDiffer,
            Self::OwnKeyDiffers => Sort::OwnKeyDiffers,
            Self::Restored { .. } => Sort::Restored,
            Self::SafeOpened => Sort::SafeOpened,
            Self::Link { .. } => Sort::Link,
            Self::Access { .. } => Sort::Access,
            Self::LaptopsDaily(_) => Sort::LaptopsDaily,
            Self::LaptopsWeekly(_) => Sort::LaptopsWeekly,
        }
    }
}

/// What a mail about laptops may say: host names and numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Laptops {
    /// How many are heard and well.
    pub protected: usize,
    /// How many are heard and not well.
    pub not_protected: usize,
    /// The host names of those that are not heard.
    pub not_heard: Vec<String>,
    /// The host names of those that were held back for doing more than a laptop does in a day.
    pub held_back: Vec<String>,
    /// The host names of those that are retired and speak all the same.
    pub retired_heard: Vec<String>,
    /// Groups of which nobody is heard, and how many laptops each has.
    pub silent_groups: Vec<(String, usize)>,
}

impl Laptops {
    /// Whether a technician has something to do.
    #[must_use]
    pub fn need_a_technician(&self) -> bool {
        !(self.not_heard.is_empty() && self.held_back.is_empty() && self.retired_heard.is_empty())
    }
}

/// What a notice tells that waits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Told {
    /// Its words are made when it leaves.
    Matter(Matter),
    /// It was queued before migration 0019, in its words.
    Words {
        /// The subject line.
        subject: String,
        /// The message.
        body: String,
    },
}

impl TryFrom<String> for Told {
    type Error = serde_json::Error;

    fn try_from(stored: String) -> Result<Self, Self::Error> {
        serde_json::from_str(&stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use sqlx::SqlitePool;
    use sqlx::migrate::Migrator;

    const OLD: &str =
        "INSERT INTO outbox (school_id, notice_id, address, notice, message_id, subject, body, created_at,
        due_at, sent_at, why) VALUES ('s', $1, '', $1, '', $2, $3, 0, 0, $4, $5)";

    #[tokio::test]
    async fn what_waited_before_migration_19_leaves_in_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pastoral.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        let before = SqlitePool::connect_with(options).await.unwrap();
        let known = sqlx::migrate!("./migrations")
            .iter()
            .filter(|one| one.version < 19)
            .cloned()
            .collect();
        Migrator::with_migrations(known).run(&before).await.unwrap();
        for (notice, words, sent_at, why) in [
            ("access", ("Pastoral: look", "words"), None, None),
            ("new", ("", ""), None, Some("passed-on")),
            ("review", ("", ""), None, None),
            ("siege", ("Pastoral: look", "words"), Some(1), None),
        ] {
            let insert = sqlx::query(OLD).bind(notice).bind(words.0).bind(words.1);
            insert.bind(sent_at).bind(why).execute(&before).await.unwrap();
        }
        before.close().await;
        let store = Store::open(&path).await.unwrap();
        let matters: Vec<Option<String>> = sqlx::query_scalar("SELECT matter FROM outbox ORDER BY notice")
            .fetch_all(&mut *store.read().await.unwrap())
            .await
            .unwrap();
        let told = |stored: Option<String>| stored.map(|stored| Told::try_from(stored).unwrap());
        let words = Told::Words {
            subject: "Pastoral: look".into(),
            body: "words".into(),
        };
        let waits = |matter| Some(Told::Matter(matter));
        assert_eq!(
            matters.into_iter().map(told).collect::<Vec<_>>(),
            [
                Some(words),
                waits(Matter::New(Why::PassedOn)),
                waits(Matter::Review),
                None
            ]
        );
    }

    #[test]
    fn what_this_version_does_not_know_is_an_error_and_no_words() {
        assert!(Told::try_from("\"a-sort-of-later\"".to_owned()).is_err());
    }
}
