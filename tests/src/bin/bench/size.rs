//! How large the programs are, as a package would hold them.

use crate::table::figure;
use anyhow::Result;
use pastoral_support::process::program;
use std::fs;

pub(crate) fn measure() -> Result<()> {
    for name in ["pastoral-agent", "pastoral-session", "pastoral-collector"] {
        let bytes = fs::metadata(program(name)?)?.len();
        figure(
            name,
            &format!("{}.{:02} MB", bytes / 1_000_000, bytes % 1_000_000 / 10_000),
        );
    }
    Ok(())
}
