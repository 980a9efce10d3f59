//! One search on a school laptop, on the safeguarding lead's screen in a second. Run by `cargo xtask demo`.

mod check;
mod steps;
mod world;

use anyhow::{Context as _, Result};
use clap::Parser;
use pastoral_support::cleanup;
use std::process::ExitCode;
use steps::Steps;
use world::World;

/// A pupil searches; the safeguarding lead sees it on a page and in her mail.
#[derive(Parser)]
struct Arguments {
    /// Without a person: look at the concern by a real browser, check the mail, clean up
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = if arguments.check { checked() } else { shown() };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe demo failed at: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// With a person: stays up until it is interrupted.
fn shown() -> Result<()> {
    let mut steps = Steps::begin();
    let world = World::build(&mut steps)?;
    world.search(&mut steps)?;
    steps.print_way();
    world.print_how_to_sign_in()?;
    cleanup::interrupt_is_success();
    println!("\nAll of it stays up until you press Ctrl-C; then everything is removed again.");
    loop {
        std::thread::park();
    }
}

/// Without a person: looks for itself.
fn checked() -> Result<()> {
    let mut steps = Steps::begin();
    let world = World::build(&mut steps)?;
    let eyes = check::Eyes::open(&world, &mut steps)?;
    world.search(&mut steps)?;
    eyes.see_the_concern(&mut steps)?;
    check::mail(&world, &mut steps)?;
    steps.print_way();
    drop(eyes);
    drop(world);
    cleanup::everything();
    println!("\nThe demo's check passed: {} steps.", steps.count());
    Ok(())
}

/// Names the step that an error belongs to.
fn at<T>(step: &str, result: Result<T>) -> Result<T> {
    result.with_context(|| step.to_owned())
}
