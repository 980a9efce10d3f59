//! The collector's own rules for what becomes one concern, from the collector's own files: the whole collector, with its
//! store and its console, is not needed to count concerns.

#![expect(
    dead_code,
    unreachable_pub,
    reason = "only what groups flags is used here; the collector uses the rest"
)]

#[path = "../../../collector/src/concerns/grouping.rs"]
pub(crate) mod grouping;
#[path = "../../../collector/src/concerns/kind.rs"]
pub(crate) mod kind;
#[path = "../../../collector/src/concerns/model.rs"]
pub(crate) mod model;
