//! Silence is not protection, and whoever can do something about it is told: on school days, of host names only.

use crate::school::letters::{self, Letter};
use crate::school::{DAY, MINUTE, School, monday};
use pastoral_collector::concerns::model::Duty;
use pastoral_collector::silence::look;

impl School {
    /// A laptop of a state that last said how it is at a time.
    async fn laptop(&self, id: &str, host_name: &str, said_at: i64) {
        let health = format!(r#"{{"at":{said_at}}}"#);
        self.run(
            "INSERT INTO device (school_id, device_id, host_name, os, group_name, state, confirm_code,
             public_key_sha256, csr_der, asked_at, last_seen_at, health)
             VALUES ('school-1', ?1, ?2, 'linux', 'pupils', 'approved', '', x'', x'', 0, json_extract(?3, '$.at'), ?3)",
            &[id, host_name, &health],
        )
        .await;
    }

    /// Mail about laptops.
    async fn told(&self) -> Vec<Letter> {
        letters::waiting(&self.app, "laptops-%").await
    }
}

#[tokio::test]
async fn technicians_are_told_daily_and_the_safeguarding_lead_weekly_which_laptops_are_silent() {
    let school = School::new().await;
    school.laptop("11111111-a", "cart-1", monday() - 7 * DAY).await;
    school.laptop("22222222-b", "cart-2", monday() - MINUTE).await;
    look(&school.app, monday()).await.unwrap();
    look(&school.app, monday() + 60 * MINUTE).await.unwrap();
    let told = school.told().await;
    let to: Vec<_> = told
        .iter()
        .map(|letter| (letter.person_id.as_str(), letter.due.sort.code()))
        .collect();
    assert_eq!(to, [("dsl", "laptops-weekly"), ("technician", "laptops-daily")]);
    for Letter { words: body, .. } in &told {
        assert!(body.contains("- cart-1\n") && !body.contains("cart-2"), "{body}");
        assert!(body.contains("10:00 on Monday 23 November"), "as it was: {body}");
    }
    assert!(told[0].words.contains("Protected      1") && told[0].words.contains("Not heard      1"));
    look(&school.app, monday() + DAY).await.unwrap();
    assert_eq!(school.told().await.len(), 3, "daily for the technician alone");
    look(&school.app, monday() + 7 * DAY).await.unwrap();
    assert_eq!(school.told().await.len(), 5);
}

#[tokio::test]
async fn nobody_is_told_in_holidays_at_weekends_before_school_or_of_nothing() {
    let school = School::new().await;
    school.laptop("22222222-b", "cart-2", monday() - MINUTE).await;
    look(&school.app, monday()).await.unwrap();
    assert!(school.told().await.is_empty(), "all is well");
    school.laptop("11111111-a", "cart-1", monday() - 7 * DAY).await;
    // Saturday, two o'clock in the morning of Tuesday, Christmas.
    for quiet in [5 * DAY, 16 * 60 * MINUTE, 32 * DAY] {
        look(&school.app, monday() + quiet).await.unwrap();
        assert!(school.told().await.is_empty(), "{quiet}");
    }
    look(&school.app, monday() + DAY).await.unwrap();
    assert_eq!(school.told().await.len(), 1);
}

#[tokio::test]
async fn a_whole_group_that_is_silent_is_said_in_the_mail() {
    let school = School::new().await;
    school.laptop("11111111-a", "cart-1", monday() - 7 * DAY).await;
    school.laptop("22222222-b", "cart-2", monday() - 7 * DAY).await;
    look(&school.app, monday()).await.unwrap();
    for Letter { words: body, .. } in school.told().await {
        assert!(
            body.contains("Nobody of the group pupils is heard, none of 2 laptops"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_laptop_that_calls_itself_something_else_than_a_name_puts_no_words_into_a_mail() {
    let school = School::new().await;
    for (number, name) in [
        "Pip Ibbotson is a thief",
        "a\r\nBcc: all@oak.example",
        "",
        &"x".repeat(64),
    ]
    .iter()
    .enumerate()
    {
        school
            .laptop(&format!("{number}2345678-a"), name, monday() - 7 * DAY)
            .await;
    }
    look(&school.app, monday()).await.unwrap();
    for Letter { words: body, .. } in school.told().await {
        assert!(body.contains("- the device 02345678\n"), "{body}");
        for words in ["Pip", "Bcc", "xxxx"] {
            assert!(!body.contains(words), "{body}");
        }
    }
}

#[tokio::test]
async fn where_nobody_has_the_duty_the_headteacher_is_told() {
    let school = School::new().await;
    school.laptop("11111111-a", "cart-1", monday() - 7 * DAY).await;
    school
        .run(
            "UPDATE duty SET ended_at = 1 WHERE duty IN (?, ?)",
            &[Duty::Technician.code(), Duty::Dsl.code()],
        )
        .await;
    look(&school.app, monday()).await.unwrap();
    let told = school.told().await;
    let to: Vec<_> = told.iter().map(|letter| &letter.person_id).collect();
    assert_eq!(to, ["head", "head"]);
}
