//! The profiles that come with Pastoral: one for each school whose policies it was made from (POLICY.md).

/// Name and text.
pub const SHIPPED: &[(&str, &str)] = &[
    ("purley-oaks", include_str!("../../profiles/purley-oaks.toml")),
    ("st-marks", include_str!("../../profiles/st-marks.toml")),
    ("ashover", include_str!("../../profiles/ashover.toml")),
    ("somerset", include_str!("../../profiles/somerset.toml")),
    (
        "skerton-st-lukes",
        include_str!("../../profiles/skerton-st-lukes.toml"),
    ),
];
