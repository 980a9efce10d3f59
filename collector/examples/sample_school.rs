//! Serves the console of an invented school on a loopback address, to look at its pages: prints a one-time link and
//! its code for each person. Nothing is kept.

#[path = "../tests/school/mod.rs"]
mod school;

use pastoral_collector::concerns::model::Duty;
use pastoral_collector::{clock, console};
use pastoral_keywords::Topic;
use pastoral_support::school::PEOPLE;
use school::{School, Seen};
use std::net::SocketAddr;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let school = School::with_people(clock::now_ms()).await;
    let address: SocketAddr = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8443".to_owned())
        .parse()?;
    for person in PEOPLE {
        let Some(duty) = person.duty.and_then(Duty::from_code) else {
            continue;
        };
        let invited = school.invite(person.id, duty).await;
        println!(
            "{:28} {}  http://{address}{}",
            duty.words(),
            invited.code,
            invited.path
        );
    }
    let seen = |account, topic, severity, text, marked, provenance, minutes_ago| Seen {
        account,
        device: if account == "flo" { "STAFF-3" } else { "LAPTOP-12" },
        topic,
        severity,
        text,
        marked,
        provenance,
        minutes_ago,
        specialist: false,
    };
    for seen in [
        seen(
            "pip",
            Topic::SelfHarm,
            5,
            "an invented worrying search",
            "worrying",
            "typed",
            3,
        ),
        seen(
            "quin",
            Topic::Gaming,
            1,
            "Some invented game – play now",
            "invented game",
            "page",
            50,
        ),
        seen(
            "guest-7",
            Topic::Bullying,
            3,
            "something unkind about somebody",
            "unkind",
            "typed",
            140,
        ),
        seen(
            "pip",
            Topic::Violence,
            4,
            "an invented thing that Bo Carrow said",
            "thing",
            "typed",
            1600,
        ),
        seen(
            "flo",
            Topic::Gambling,
            2,
            "an invented betting page",
            "betting",
            "page",
            30,
        ),
        seen("cy", Topic::Buying, 2, "an invented shop", "shop", "page", 35),
    ] {
        school.concern(&seen).await;
    }
    let service = console::router(school.app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(tokio::net::TcpListener::bind(address).await?, service).await?;
    Ok(())
}
