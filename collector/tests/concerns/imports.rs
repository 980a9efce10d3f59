//! What taking a list of people would change, and who has to confirm it.

use crate::people::{line, reading};
use crate::school::{MINUTE, School, monday};
use pastoral_collector::concerns::model::Duty;
use pastoral_collector::people::Reading;
use pastoral_collector::people::plan::{Confirms, Plan, Reason, What};
use pastoral_collector::store::import::{self, ImportError};

fn of(school: &School, lines: &[String]) -> Reading {
    reading(&crate::people::file(lines), &school.app.profile.load())
}

async fn plan_of(school: &School, reading: &Reading) -> Result<Plan, ImportError> {
    let mut connection = school.app.store.read().await.unwrap();
    let planned = import::plan(&mut connection, &school.telling(), reading).await;
    planned.map(|(plan, _)| plan)
}

async fn plan(school: &School, lines: &[String]) -> Plan {
    plan_of(school, &of(school, lines)).await.unwrap()
}

/// Takes a list as after everybody has confirmed it.
pub(crate) async fn take(school: &School, lines: &[String]) {
    let mut tx = school.app.store.write().await.unwrap();
    let telling = school.telling();
    let (plan, directory) = import::plan(&mut tx, &telling, &of(school, lines)).await.unwrap();
    import::take(&mut tx, &telling, &plan, &directory, "test", monday() + MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

fn pupil(id: &str, name: &str, year: &str) -> String {
    line(id, "student", &format!("u-{name}"), name, "", year)
}

fn staff(id: &str, name: &str) -> String {
    line(
        id,
        "teacher",
        &format!("u-{name}"),
        name,
        &format!("{name}@oak.example"),
        "",
    )
}

/// A hundred pupils with ids that begin with zeros, and twenty staff.
fn everybody() -> Vec<String> {
    let pupils = (0..100).map(|n| pupil(&format!("{n:05}"), &format!("pupil{n}"), "5"));
    pupils
        .chain((0..20).map(|n| staff(&format!("t{n}"), &format!("staff{n}"))))
        .collect()
}

fn reasons(plan: &Plan) -> Vec<(Reason, usize, Confirms)> {
    plan.stops
        .iter()
        .map(|stop| (stop.reason, stop.count, stop.confirms()))
        .collect()
}

#[tokio::test]
async fn a_usual_list_needs_no_more_than_whoever_gives_it() {
    let school = School::new().await;
    assert_eq!(plan(&school, &everybody()).await.confirms(), Confirms::Giver);
    take(&school, &everybody()).await;
    assert!(plan(&school, &everybody()).await.is_empty());
    // A new school year: everybody goes up, some leave, some come, a teacher goes and another marries.
    let mut september: Vec<_> = everybody()
        .iter()
        .map(|line| line.replace(",5,", ",6,"))
        .collect();
    september.drain(0..8);
    september.pop();
    let last = september.pop().unwrap();
    september.push(last.replace(",staff18,", ",Married,"));
    september.extend((0..30).map(|n| pupil(&format!("n{n}"), &format!("new{n}"), "R")));
    let plan = plan(&school, &september).await;
    assert_eq!(
        (plan.new.len(), plan.changed.len(), plan.leaves.len()),
        (30, 93, 9)
    );
    assert_eq!((reasons(&plan), plan.confirms()), (vec![], Confirms::Giver));
    let said = plan.said();
    assert!(said.numbers.contains(
        "30 pupils and 0 adults are new; 92 pupils and 1 adult change; 8 pupils and 1 adult leave"
    ));
    // Adults by name, pupils never (P41).
    assert!(
        said.adults
            .contains(&"Invented staff19 (staff) leaves".to_owned()),
        "{:?}",
        said.adults
    );
    assert!(
        said.adults
            .contains(&"Invented staff18: name: Invented Married".to_owned()),
        "{:?}",
        said.adults
    );
    let text = said.text(plan.confirms());
    assert!(!text.contains("pupil1") && !text.contains("new1"), "{text}");
}

#[tokio::test]
async fn a_short_file_after_a_long_one_waits() {
    let school = School::new().await;
    take(&school, &everybody()).await;
    let few = plan(
        &school,
        &[
            pupil("00001", "pupil1", "5"),
            pupil("x", "other", "5"),
            staff("t1", "staff1"),
        ],
    )
    .await;
    assert_eq!(
        reasons(&few),
        [
            (Reason::ManyLeave, 19, Confirms::Two),
            (Reason::ManyLeave, 99, Confirms::Reader)
        ]
    );
    assert_eq!(few.confirms(), Confirms::Two);
    // Of pupils alone, one reader.
    let mut pupils = everybody();
    pupils.drain(0..11);
    let fewer_pupils = plan(&school, &pupils).await;
    assert_eq!(
        reasons(&fewer_pupils),
        [(Reason::ManyLeave, 11, Confirms::Reader)]
    );
}

/// Exports are of pupils or of staff: the others are still there.
#[tokio::test]
async fn a_list_of_pupils_says_nothing_of_staff_and_the_reverse() {
    let school = School::new().await;
    take(&school, &everybody()).await;
    let (pupils, adults): (Vec<_>, Vec<_>) =
        everybody().into_iter().partition(|line| line.contains("student"));
    for (lines, others) in [(pupils, 20), (adults, 100)] {
        let plan = plan(&school, &lines).await;
        assert!(plan.is_empty());
        assert_eq!(plan.untouched, others);
    }
}

#[tokio::test]
async fn ids_that_look_renumbered_wait() {
    let school = School::new().await;
    take(&school, &everybody()).await;
    // Excel drops zeros in front; even of one.
    let one: Vec<_> = everybody()
        .iter()
        .map(|line| line.replace("00007,", "7,"))
        .collect();
    assert_eq!(
        reasons(&plan(&school, &one).await),
        [(Reason::Renumbered, 1, Confirms::Reader)]
    );
    let prefix: Vec<_> = everybody().iter().map(|line| format!("new-{line}")).collect();
    let all = plan(&school, &prefix).await;
    assert!(reasons(&all).contains(&(Reason::Renumbered, 100, Confirms::Reader)));
    assert!(reasons(&all).contains(&(Reason::Renumbered, 20, Confirms::Two)));
}

#[tokio::test]
async fn last_year_s_file_and_swapped_columns_wait() {
    let school = School::new().await;
    take(&school, &everybody()).await;
    let earlier: Vec<_> = everybody()
        .iter()
        .map(|line| line.replace(",5,", ",4,"))
        .collect();
    assert_eq!(
        reasons(&plan(&school, &earlier).await),
        [(Reason::EarlierYear, 100, Confirms::Reader)]
    );
    let swap = |names: bool| -> Vec<String> {
        let swapped = |line: String| {
            let mut fields: Vec<_> = line.split(',').map(str::to_owned).collect();
            if names {
                fields.swap(8, 9)
            } else {
                fields.swap(6, 9)
            }
            fields.join(",")
        };
        everybody().into_iter().map(swapped).collect()
    };
    let names = plan(&school, &swap(true)).await;
    assert_eq!(
        reasons(&names),
        [
            (Reason::ManyNames, 20, Confirms::Two),
            (Reason::ManyNames, 100, Confirms::Reader)
        ]
    );
    let usernames = plan(&school, &swap(false)).await;
    assert!(reasons(&usernames).contains(&(Reason::ManyUsernames, 100, Confirms::Reader)));
}

/// INVARIANT 4: whose concerns go to the headteacher does not change by a word in a file.
#[tokio::test]
async fn staff_become_pupils_and_pupils_staff_only_when_two_have_confirmed() {
    let school = School::new().await;
    take(&school, &everybody()).await;
    let mut lines = everybody();
    lines[3] = lines[3].replace("student", "teacher");
    lines[110] = lines[110].replace("teacher", "student");
    let plan = plan(&school, &lines).await;
    assert_eq!(reasons(&plan), [(Reason::OtherKind, 2, Confirms::Two)]);
    let said = plan.said().adults;
    assert!(
        said.contains(&"a pupil becomes an adult (staff)".to_owned()),
        "{said:?}"
    );
    assert!(
        said.contains(&"Invented staff10 (staff) becomes a pupil".to_owned()),
        "{said:?}"
    );
    assert_eq!(plan.about().len(), 2);
}

/// Who gets a pupil's user name gets the pupil's account: their concerns would go elsewhere.
#[tokio::test]
async fn a_pupil_s_user_name_passes_to_an_adult_only_when_two_have_confirmed() {
    let school = School::new().await;
    take(&school, &everybody()).await;
    let mut lines = everybody();
    lines.remove(3);
    lines.push(line(
        "t99",
        "teacher",
        "U-Pupil3@oak.example",
        "Other",
        "o@oak.example",
        "",
    ));
    assert_eq!(
        reasons(&plan(&school, &lines).await),
        [(Reason::UsernamePasses, 1, Confirms::Two)]
    );
}

#[tokio::test]
async fn a_duty_ends_by_a_list_only_when_two_others_have_confirmed() {
    let school = School::new().await;
    school.give_duty("teacher", Duty::Deputy).await;
    let mut lines = everybody();
    lines.push(staff("dep", "deputy"));
    take(&school, &lines).await;
    lines.pop();
    let plan = plan(&school, &lines).await;
    assert_eq!(reasons(&plan), [(Reason::DutyEnds, 1, Confirms::Two)]);
    assert!(plan.about().contains("deputy"));
    let said = plan.said().adults;
    assert_eq!(
        said,
        ["Bo Carrow (staff) leaves, and is Deputy safeguarding lead no more"]
    );
}

#[tokio::test]
async fn a_list_never_changes_the_name_address_or_role_of_somebody_with_a_duty() {
    let school = School::new().await;
    take(&school, &[staff("d", "dsl")]).await;
    let before = school.directory().await.person("dsl").unwrap().clone();
    assert_eq!(
        (before.given_name.as_str(), before.email.as_str()),
        ("Ann", "dsl@oak.example")
    );
    for row in [
        line("d", "teacher", "dsl", "Mallory", "dsl@oak.example", ""),
        line("d", "teacher", "dsl", "Leigh", "mallory@oak.example", ""),
        line("d", "governor", "dsl", "Leigh", "dsl@oak.example", ""),
        line("d", "student", "dsl", "Leigh", "dsl@oak.example", "5"),
    ] {
        let plan = plan(&school, &[row.clone(), staff("t", "other")]).await;
        assert_eq!(plan.asked.len(), 1, "{row}");
        take(&school, &[row, staff("t", "other")]).await;
        let now = school.directory().await.person("dsl").unwrap().clone();
        assert_eq!(
            (
                &now.given_name,
                &now.family_name,
                &now.email,
                now.role,
                &now.year_group
            ),
            (
                &before.given_name,
                &before.family_name,
                &before.email,
                before.role,
                &before.year_group
            )
        );
    }
    // Nor is their address somebody else's.
    let other = plan(
        &school,
        &[
            staff("d", "dsl"),
            line("x", "teacher", "x", "Other", "dsl@oak.example", ""),
        ],
    )
    .await;
    assert!(
        reasons(&other).contains(&(Reason::DutyAddress, 1, Confirms::Two)),
        "{:?}",
        other.stops
    );
    // Two readers are asked, for each but that of a pupil.
    let waiting = "SELECT family_name FROM person JOIN proposal USING (person_id) WHERE act = 'change' AND state = 'asked' AND person_id = ?";
    assert_eq!(school.texts(waiting, "dsl").await.len(), 1);
    // Another user name is another account: two confirm it.
    let plan = plan(
        &school,
        &[line("d", "teacher", "mallory", "Leigh", "dsl@oak.example", "")],
    )
    .await;
    assert!(reasons(&plan).contains(&(Reason::DutyUsername, 1, Confirms::Two)));
}

#[tokio::test]
async fn who_stands_in_a_row_that_is_left_out_stays_as_they_are() {
    let school = School::new().await;
    take(&school, &everybody()).await;
    let mut lines = everybody();
    lines[5] = lines[5].replace(",5,", ",99,");
    lines[6] = lines[6].replace("Invented,", "Invented,Jr,");
    let plan = plan(&school, &lines).await;
    assert!(plan.is_empty());
    assert_eq!(plan.kept, 2);
    // Whose row it was cannot be told, and somebody would leave: perhaps the same.
    let mut lines = everybody();
    lines[5] = lines[5].replace("00005,", ",");
    let refused = plan_of(&school, &of(&school, &lines))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("nothing was changed") && refused.contains("1 people would leave"),
        "{refused}"
    );
    // Where nobody would leave, the rest is taken.
    let mut lines = everybody();
    lines.push(pupil("", "more", "5"));
    assert!(plan_of(&school, &of(&school, &lines)).await.unwrap().is_empty());
}

/// Another export with fewer columns must not make every account unknown.
#[tokio::test]
async fn what_a_list_does_not_have_stays_as_it_was() {
    let school = School::new().await;
    take(&school, &[pupil("s1", "ash", "5")]).await;
    let plan = plan(&school, &[line("s1", "student", "", "ash", "", "")]).await;
    assert!(plan.is_empty());
    let changed = self::plan(&school, &[pupil("s1", "ash", "6")]).await.changed;
    assert_eq!(changed[0].what, [What::Year]);
}

/// A school is never left without the one who does a duty, whoever confirms it.
#[tokio::test]
async fn no_confirmation_leaves_a_duty_without_anybody() {
    let school = School::new().await;
    take(&school, &[staff("d", "dsl"), staff("t", "teacher")]).await;
    assert!(
        school
            .directory()
            .await
            .duties()
            .holders(Duty::Dsl)
            .contains(&"dsl".to_owned())
    );
    let refused = plan_of(&school, &of(&school, &[staff("t", "teacher")])).await;
    assert!(matches!(refused, Err(ImportError::LeavesDutyEmpty(Duty::Dsl))));
}
