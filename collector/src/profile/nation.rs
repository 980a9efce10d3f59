//! The nation whose year groups a school has.

/// Which nation's year groups a school has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nation {
    /// Reception and Years 1 to 13.
    #[default]
    England,
    /// As England.
    Wales,
    /// P1 to P7, S1 to S6.
    Scotland,
    /// P1 to P7 (or Years 1 to 7), Years 8 to 14.
    NorthernIreland,
}
