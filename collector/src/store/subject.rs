//! Whether a concern is about a pupil.
//!
//! INVARIANT 4: by whom it is about, never by whose key it is sealed to: a profile may let the readers of pupils'
//! concerns read some about staff, which are then sealed to the pupils' key.

use super::Read;
use crate::concerns::kind::SubjectRole;
use crate::profile::{Profile, Users};

#[derive(sqlx::FromRow)]
struct About {
    role: Option<SubjectRole>,
    about_child: bool,
    group_name: Option<String>,
}

/// Whether a concern is about a pupil, or an unknown account on a pupils' device. What was recorded by hand about
/// nobody known is about nobody.
pub async fn is_pupil(
    db: &mut Read,
    school_id: &str,
    profile: &Profile,
    concern_id: &str,
) -> Result<bool, sqlx::Error> {
    let about: Option<About> = sqlx::query_as(
        "SELECT person.role, concern.about_child, device.group_name FROM concern
         LEFT JOIN person ON person.school_id = concern.school_id AND person.person_id = concern.person_id
         LEFT JOIN account ON account.school_id = concern.school_id AND account.account_id = concern.account_id
         LEFT JOIN device ON device.school_id = account.school_id AND device.device_id = account.device_id
         WHERE concern.school_id = $1 AND concern.concern_id = $2",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_optional(db)
    .await?;
    Ok(about.is_some_and(|about| {
        let users = about
            .group_name
            .and_then(|name| Some(profile.group(&name)?.users));
        about.about_child
            || match about.role {
                Some(role) => role.is_pupil(),
                None => users == Some(Users::Pupils),
            }
    }))
}
