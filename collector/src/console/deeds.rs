//! What the audit log says was done, in words. No code of ours is shown to people.

/// What was done with a concern.
pub(super) fn with_concern(action: &str) -> Option<&'static str> {
    Some(match action.strip_prefix("concern-")? {
        "viewed" => "looked at the concern",
        "recorded" => "recorded the concern by hand",
        "added" => "added by hand what else happened",
        "acknowledged" => "acknowledged the concern",
        "note" => "wrote a note",
        "warned" => "recorded a warning",
        "passed-on" => "passed the concern on",
        "escalated" => "had the next person told",
        "category" => "confirmed the category",
        "close-proposed" => "proposed to close the concern",
        "close-refused" => "did not agree to close the concern",
        "closed" => "closed the concern",
        "false-alarm" => "marked a flag as a false alarm",
        "not-false-alarm" => "took back that a flag was a false alarm",
        "reopened" => "opened the concern again",
        "review-set" => "set when the concern is looked at again",
        "review-missed" => "had no answer how the concern stands, and told the next person",
        "parents" => "recorded whether parents were told",
        "identified" => "said who the concern is about",
        "reassigned" => "corrected whose the concern is",
        "owner-lost" => "took the concern from somebody who may not see it any more",
        "shown" => "said why what was seen must be shown before the person is known",
        "handed-over" => "handed the concern over as what a child disclosed",
        "undone" => "undid the step before",
        "safe-opened" => "said why the concern must be read out of the school safe",
        "safe-viewed" => "read the concern out of the school safe",
        "safe-given" => "gave the concern out of the school safe to those who may read it",
        "names-found" => "found a name that is new at the school, and keeps the concern from that person",
        _ => return None,
    })
}

/// What was done that needs no name of a person, duty or device in its words.
pub(super) fn plain(action: &str) -> Option<&'static str> {
    Some(match action {
        "signed-in" => "signed in",
        "password-changed" => "changed their password",
        "keys-taken" => "took the keys that others had given them",
        "recovery-codes-made" => "made new recovery codes",
        "audit-head-sent" => "sent the number of the audit log to headteacher and chair",
        "audit-broken" => "found that the audit log was changed or has gaps",
        "people-imported" => "took in the school’s list of people",
        "people-import-held" => "gave a list of people that others have to confirm",
        "people-import-confirmed" => "confirmed a list of people",
        "people-import-dropped" => "dropped a list of people",
        "profile-accepted" => "put the school’s profile into force",
        "safe-opened" => "opened the school safe with the chair’s sheet",
        "safe-refused" => "typed a sheet that does not open the school safe",
        "safe-listed" => "looked at the list of what lies in the school safe",
        "open-concerns-listed" => "looked at the list of open concerns",
        "closed-concerns-listed" => "looked at the list of closed concerns",
        "keys-differ" => "found that content is sealed for other keys than the readers’",
        "clock-came-back" => "found that the clock had been ahead and came back",
        "audit-erased" => "erased what old entries of the audit log stood for",
        "retention" => "erased what is older than the school keeps",
        "school-made" => "set up the school",
        "token-made" => "made a token, with which devices ask to join",
        "token-withdrawn" => "withdrew a token: no further device can join with it",
        "backup-made" => "made a backup",
        "list-change-proposed" => "proposed a change to the keyword lists",
        "list-change-agreed" => "agreed to a change of the keyword lists",
        "list-change-refused" => "refused a change of the keyword lists",
        "list-change-withdrawn" => "withdrew a change of the keyword lists",
        "backup-restored" => "brought back a backup: what came after it is lost",
        _ => return None,
    })
}

/// What was done with a device.
pub(super) fn with_device(action: &str, device: &str) -> Option<String> {
    Some(match action {
        "device-asked" => format!("took the request of {device} to join"),
        "device-approved" => format!("let {device} join"),
        "device-rejected" => format!("turned {device} away"),
        "device-revoked" => format!("cut off {device}"),
        "device-retired" => format!("retired {device}"),
        "device-brought-back" => format!("brought {device} back into use"),
        "device-allowed" => format!("allowed {device} more than a laptop needs, for that day"),
        "device-cloned" => format!("found two devices that use the identity of {device}"),
        "device-alone-again" => format!("found that one device alone uses the identity of {device} again"),
        "record-opened" => format!("said why a record of {device} must be read that could not be"),
        "record-viewed" => format!("read a record of {device} that could not be read by Pastoral"),
        "record-discarded" => format!("removed a record of {device} that could not be read"),
        "device-commanded" => format!("asked {device} for an answer"),
        "certificate-issued" => format!("gave {device} a certificate"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where entries are made, and where they are put into words.
    const SOURCES: [&str; 22] = [
        include_str!("../retention.rs"),
        include_str!("../devices/enrol.rs"),
        include_str!("../devices/approval.rs"),
        include_str!("../store/profile.rs"),
        include_str!("../store/retention.rs"),
        include_str!("../store/import.rs"),
        include_str!("../store/devices.rs"),
        include_str!("../store/commands.rs"),
        include_str!("../cli/init.rs"),
        include_str!("../cli/token.rs"),
        include_str!("../cli/backup.rs"),
        include_str!("concern/acts/closing.rs"),
        include_str!("concern/acts/handing_over.rs"),
        include_str!("concern/acts/handling.rs"),
        include_str!("concern/acts/identifying.rs"),
        include_str!("concern/acts/judging.rs"),
        include_str!("concern/acts/undoing.rs"),
        include_str!("concern/acts/writing.rs"),
        include_str!("safe/mod.rs"),
        include_str!("safe/concern.rs"),
        include_str!("safe/records.rs"),
        include_str!("../access/school_keys.rs"),
    ];

    /// Codes that stand behind `action: "`, `record("`, `change("` or `note(` in the source.
    fn codes(source: &str) -> Vec<String> {
        let mut codes = Vec::new();
        for before in [
            "action: \"",
            ".record(\"",
            ".change(\"",
            "\"device-",
            "\"token-",
            "\"backup-",
        ] {
            for rest in source.split(before).skip(1) {
                let code = rest.split('"').next().unwrap_or_default();
                let code = match before {
                    "\"device-" => format!("device-{code}"),
                    "\"token-" => format!("token-{code}"),
                    "\"backup-" => format!("backup-{code}"),
                    ".record(\"" | ".change(\"" => format!("concern-{code}"),
                    _ => code.to_owned(),
                };
                codes.push(code);
            }
        }
        codes
    }

    #[test]
    fn every_entry_of_the_audit_log_has_words() {
        let codes: Vec<_> = SOURCES.into_iter().flat_map(codes).collect();
        assert!(codes.len() > 25, "{codes:?}");
        for code in codes {
            let has_words = with_concern(&code).is_some()
                || plain(&code).is_some()
                || with_device(&code, "LAPTOP-12").is_some()
                // What names a person is put into words there.
                || include_str!("audit.rs").contains(&format!("\"{code}\" =>"));
            assert!(has_words, "{code}");
        }
    }
}
