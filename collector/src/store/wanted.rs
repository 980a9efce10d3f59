//! What waits for somebody's agreement: access to agree to, changes to the lists, concerns to close, lists of people. One query, for the
//! count in the navigation and for the mail.
//!
//! INVARIANT 4: what is about a concern is found through `concern_reader`.

use super::Read;
use crate::codes::codes;
use std::sync::LazyLock;

codes! {
    /// Where in the console it waits.
    pub enum Place {
        /// Concerns.
        Concerns = "concerns";
        /// People and access.
        People = "people";
        /// Keyword lists.
        Lists = "lists";
        /// Devices.
        Devices = "devices";
    }
}

/// Each finds `school_id`, the `person_id` of one whose agreement is wanted, the `place`, `what` waits, `since` when, and a
/// `severity`. `$1` is now. What waits for anybody else's agreement in the console is added here.
const SOURCES: [&str; 5] = [ACCESS, LISTS, CLOSINGS, CONFLICTS, IMPORTS];

/// As `access::second` lets people agree: another reader, or while there is none who signs in, a technician.
/// What no reader has proposed yet, any of them may propose.
const ACCESS: &str = "SELECT duty.school_id, duty.person_id, 'people' AS place, proposal.proposal_id AS what,
        proposal.proposed_at AS since, 0 AS severity
    FROM proposal JOIN duty ON duty.school_id = proposal.school_id AND duty.ended_at IS NULL
    WHERE proposal.state IN ('asked', 'proposed') AND proposal.expires_at > $1
    AND duty.person_id NOT IN (COALESCE(proposal.proposed_by, ''), proposal.person_id)
    AND NOT EXISTS (SELECT 1 FROM duty AS keeper WHERE keeper.school_id = proposal.school_id
        AND keeper.person_id = duty.person_id AND keeper.ended_at IS NULL
        AND keeper.duty || ' sheet' = proposal.proposed_by)
    AND (duty.duty <> 'technician' OR (proposal.state = 'proposed' AND proposal.proposed_by NOT LIKE '% sheet'
        AND NOT EXISTS (SELECT 1 FROM duty AS other
            JOIN \"user\" ON \"user\".school_id = other.school_id AND \"user\".person_id = other.person_id
                AND \"user\".disabled_at IS NULL
            WHERE other.school_id = proposal.school_id AND other.ended_at IS NULL AND other.duty <> 'technician'
            AND other.person_id NOT IN (proposal.proposed_by, proposal.person_id))
        AND NOT EXISTS (SELECT 1 FROM duty AS before
            JOIN \"user\" ON \"user\".school_id = before.school_id AND \"user\".person_id = before.person_id
            WHERE before.school_id = proposal.school_id AND before.duty <> 'technician'
            AND before.person_id = proposal.person_id)))";

const LISTS: &str = "SELECT duty.school_id, duty.person_id, 'lists', CAST(list_change.change_id AS TEXT),
        list_change.proposed_at, 0
    FROM list_change JOIN duty ON duty.school_id = list_change.school_id AND duty.ended_at IS NULL
    WHERE list_change.state = 'proposed' AND duty.duty IN ('dsl', 'headteacher')
    AND duty.person_id <> list_change.proposed_by";

const CLOSINGS: &str =
    "SELECT reader.school_id, reader.person_id, 'concerns', concern.concern_id, concern.changed_at,
        concern.severity
    FROM concern JOIN concern_reader AS reader ON reader.concern_id = concern.concern_id
    WHERE concern.close_proposed_by IS NOT NULL AND concern.state <> 'closed'
    AND reader.person_id <> concern.close_proposed_by";

/// A conflict of interest: of headteacher and chair, neither of the two nor who recorded it. Where that leaves neither of
/// them, of those who read what concerns such a person: of a pupil leads and deputies, of an adult the independent reader.
/// Nobody who became a reader since, nor who is kept out of the same: see `conflicts::agree` and `conflicts::may_know`.
const CONFLICTS: &str =
    "SELECT duty.school_id, duty.person_id, 'people', conflict.reader_id || conflict.about_id,
        conflict.recorded_at, 0
    FROM conflict JOIN duty ON duty.school_id = conflict.school_id AND duty.ended_at IS NULL
    LEFT JOIN person AS about ON about.school_id = conflict.school_id AND about.person_id = conflict.about_id
    WHERE conflict.ended_at IS NULL AND conflict.lapses_at > $1 AND duty.granted_at <= conflict.recorded_at
    AND duty.person_id NOT IN (conflict.reader_id, conflict.about_id, conflict.recorded_by)
    AND (duty.duty IN ('headteacher', 'chair')
        OR (about.role IS NOT NULL
            AND ((about.role = 'pupil' AND duty.duty IN ('dsl', 'deputy'))
                OR (about.role <> 'pupil' AND duty.duty = 'independent'))
            AND NOT EXISTS (SELECT 1 FROM conflict AS same WHERE same.school_id = conflict.school_id
                AND same.ended_at IS NULL AND same.in_force AND same.about_id = conflict.about_id
                AND same.reader_id = duty.person_id)
            AND NOT EXISTS (SELECT 1 FROM duty AS senior WHERE senior.school_id = conflict.school_id
                AND senior.ended_at IS NULL AND senior.duty IN ('headteacher', 'chair')
                AND senior.granted_at <= conflict.recorded_at
                AND senior.person_id NOT IN (conflict.reader_id, conflict.about_id, conflict.recorded_by))))";

/// As `held_import::Confirming` lets people confirm: readers whom it is not about; while there is no second one, a
/// technician.
const IMPORTS: &str = "SELECT duty.school_id, duty.person_id, 'people', held_import.import_id,
        COALESCE(held_import.first_at, held_import.held_at), 0
    FROM held_import JOIN duty ON duty.school_id = held_import.school_id AND duty.ended_at IS NULL
    WHERE held_import.state = 'waiting' AND held_import.confirms <> 'giver' AND held_import.expires_at > $1
    AND (held_import.first_by IS NULL OR duty.person_id <> held_import.first_by)
    AND NOT EXISTS (SELECT 1 FROM held_import_about AS about
            WHERE about.import_id = held_import.import_id AND about.person_id = duty.person_id)
    AND (duty.duty <> 'technician' OR (held_import.first_by IS NOT NULL AND NOT EXISTS (SELECT 1 FROM duty AS other
            JOIN \"user\" ON \"user\".school_id = other.school_id AND \"user\".person_id = other.person_id
                AND \"user\".disabled_at IS NULL
            WHERE other.school_id = held_import.school_id AND other.ended_at IS NULL AND other.duty <> 'technician'
            AND other.person_id <> held_import.first_by
            AND NOT EXISTS (SELECT 1 FROM held_import_about AS about
                    WHERE about.import_id = held_import.import_id AND about.person_id = other.person_id))))";

/// Everything that waits for anybody. UNION, since a person may have several duties.
pub static QUERY: LazyLock<String> = LazyLock::new(|| SOURCES.join(" UNION "));

/// Devices that were held back and about which nobody has decided since: whoever may decide about devices does, alone, so
/// that no mail asks for agreement. Technicians have it in their daily mail.
const HELD_BACK: &str = "SELECT DISTINCT duty.school_id, duty.person_id, 'devices', device.device_id, 0, 0
    FROM device_use JOIN device ON device.school_id = device_use.school_id AND device.device_id = device_use.device_id
    JOIN duty ON duty.school_id = device.school_id AND duty.ended_at IS NULL
    WHERE device_use.held_back_at > COALESCE(device.allowed_at, -1) AND device.state = 'approved'
    AND duty.duty IN ('technician', 'headteacher')";

/// How many things wait for somebody's agreement or decision, by place; places where nothing waits are left out.
pub async fn of(
    db: &mut Read,
    school_id: &str,
    person_id: &str,
    now: i64,
) -> Result<Vec<(Place, i64)>, sqlx::Error> {
    let query = format!(
        "SELECT place, COUNT(*) FROM ({} UNION {HELD_BACK}) AS wanted WHERE school_id = $2 AND person_id = $3
         GROUP BY place",
        *QUERY
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(now)
        .bind(school_id)
        .bind(person_id)
        .fetch_all(db)
        .await
}
