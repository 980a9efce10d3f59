//! What the pure logic promises, over random casts and times.

mod category;
mod cover;
mod escalation;
mod grouping;
mod naming;
mod review;
mod routing;

use crate::profile::Profile;
use std::sync::LazyLock;

fn purley_oaks() -> &'static Profile {
    static PROFILE: LazyLock<Profile> =
        LazyLock::new(|| Profile::parse(Profile::shipped("purley-oaks").unwrap(), "purley-oaks").unwrap());
    &PROFILE
}
