//! The pages' stylesheet and scripts are made by npm and embedded; without them the console would be unusable.

use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=assets/dist");
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=templates");
    if std::path::Path::new("assets/dist/manifest.json").is_file() {
        return ExitCode::SUCCESS;
    }
    println!(
        "cargo::error=the console's stylesheet and scripts are not made yet: run `cargo xtask assets` (it needs Node.js and npm)"
    );
    ExitCode::FAILURE
}
