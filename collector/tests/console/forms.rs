//! Every form of the console: what was typed into it comes back to its writer, or nothing is typed into it.

use super::*;
use crate::school::SCHOOL;
use crate::school::browser::{PASSWORD, Page};
use axum::http::StatusCode;

/// The routes, and what is done with a concern, as they stand in the code: a new form is in the table below, or fails.
const ROUTES: &str = include_str!("../../src/console/mod.rs");
const ACTIONS: &str = include_str!("../../src/console/concern/actions.rs");

/// Forms in which nothing is typed, or only what nobody keeps.
const NOTHING_KEPT: [&str; 28] = [
    // Passwords, codes and sheets are kept nowhere; an address stands in its form again.
    "/sign-in",
    "/join/{link}",
    "PASSWORD",
    "/account/recovery-codes",
    "/safe",
    // It says that what is tried is kept nowhere.
    "/lists/try",
    // Files stay where they are.
    "/people/import",
    // Buttons.
    "/sign-out",
    "/devices/{device}/ask/{command}",
    "/devices/{device}/{decision}",
    "/people/import/{decision}",
    "/people/proposals/{proposal}/{decision}",
    "/people/duties/{duty}/end",
    "/people/conflicts/agree",
    "/people/conflicts/end",
    "/people/{person}/link",
    "/people/{person}/keys",
    "/kept/throw-away",
    "/lists/changes/{change}/{decision}",
    "/safe/close",
    "/safe/concerns/{concern}/give",
    "/safe/records/{record}/discard",
    // What was typed is kept from the form that led to it, `/lists/preview`.
    "/lists/changes",
    "acknowledge",
    "escalate",
    "agree",
    "false-alarm",
    "undo",
];

/// Routes with a form, with the actions of a concern in the place of their one route.
fn forms() -> Vec<String> {
    let routes = ROUTES
        .split(".route(")
        .skip(1)
        .map(|rest| rest.split(".fallback").next().unwrap());
    let posts = routes.filter(|route| route.contains("post("));
    let name = |route: &str| match route
        .split(['"', ','])
        .map(str::trim)
        .find(|part| !part.is_empty())
    {
        Some(name) => name.to_owned(),
        None => panic!("{route}"),
    };
    let mut forms: Vec<String> = posts
        .map(name)
        .filter(|form| !form.ends_with("/{action}"))
        .collect();
    let perform = ACTIONS
        .split("async fn perform")
        .nth(1)
        .unwrap()
        .split("\n}")
        .next()
        .unwrap();
    let arms = perform.split("match action {").nth(1).unwrap().lines();
    let actions = arms.filter_map(|arm| arm.trim().strip_prefix('"')?.split_once("\" =>"));
    forms.extend(actions.map(|(action, _)| action.to_owned()));
    forms
}

/// A form that is kept: which of `forms`, its address, the page that it comes back on, and what is typed.
struct Kept {
    form: &'static str,
    to: String,
    page: String,
    typed: Vec<(&'static str, &'static str)>,
}

impl Kept {
    /// Of a concern's page.
    fn of(action: &'static str, concern: &str, typed: &[(&'static str, &'static str)]) -> Self {
        let page = format!("/concerns/{concern}");
        Self {
            form: action,
            to: format!("{page}/{action}"),
            page,
            typed: typed.to_vec(),
        }
    }

    /// Of a page of its own.
    fn at(form: &'static str, to: &str, page: &str, typed: &[(&'static str, &'static str)]) -> Self {
        Self {
            form,
            to: to.to_owned(),
            page: page.to_owned(),
            typed: typed.to_vec(),
        }
    }

    async fn send(&self, browser: &mut Browser, token: &str) -> Page {
        let typed: Vec<_> = self
            .typed
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        browser.send(&self.to, token, &typed).await
    }
}

/// Whether a value stands in a field of a page.
fn holds(page: &str, name: &str, value: &str) -> bool {
    let (is_name, is_value) = (format!("name=\"{name}\""), format!("value=\"{value}\""));
    page.split('<').any(|tag| {
        let is_box = ["radio", "checkbox"]
            .iter()
            .any(|sort| tag.contains(&format!("type=\"{sort}\"")));
        let is_of = |element: &str| tag.starts_with(element);
        (is_of("input ")
            && tag.contains(&is_name)
            && tag.contains(&is_value)
            && (!is_box || tag.contains(" checked")))
            || (is_of("option ") && tag.contains(&is_value) && tag.contains(" selected"))
            || (is_of("textarea ") && tag.contains(&is_name) && tag.ends_with(&format!(">{value}")))
    })
}

/// Every form that is kept, with the concerns on whose pages they stand.
async fn kept(school: &School, cy: &mut Browser, bo: &mut Browser) -> Vec<Kept> {
    let (open, severe) = (school.concern(&TITLE).await, school.concern(&SEARCH).await);
    let unknown = school
        .concern(&Seen {
            account: "guest-7",
            ..SEARCH
        })
        .await;
    let staff = school
        .concern(&Seen {
            account: "flo",
            device: "STAFF-3",
            ..SEARCH
        })
        .await;
    let closed = school.concern(&TITLE).await;
    let path = format!("/concerns/{closed}");
    let fields = [("outcome", "no-action"), ("words", "Looked into.")];
    cy.post(&path, &format!("{path}/close"), &fields).await;
    let path = format!("/concerns/{severe}");
    bo.post(&path, &format!("{path}/close"), &fields).await;
    let mine = school.concern(&SEARCH).await;
    let path = format!("/concerns/{mine}");
    cy.post(&path, &format!("{path}/acknowledge"), &[]).await;
    let identify = format!("/concerns/{unknown}/identify");
    let reassign = format!("/concerns/{open}/reassign");
    vec![
        Kept::of("note", &open, &[("words", "A note.")]),
        Kept::of("warn", &open, &[("words", "What the warning was.")]),
        Kept::of("category", &open, &[("code", "B")]),
        Kept::of("pass-on", &open, &[("to", "bo"), ("words", "Please go on.")]),
        Kept::of(
            "close",
            &open,
            &[("outcome", "supported"), ("words", "What was learnt.")],
        ),
        Kept::of("parents", &open, &[("told", "no"), ("words", "Not yet.")]),
        Kept::of("refuse", &severe, &[("words", "Ask first.")]),
        Kept::of("review", &mine, &[("days", "2")]),
        Kept::of("reopen", &closed, &[("words", "It goes on.")]),
        Kept::of("show", &unknown, &[("words", "A life may be at risk.")]),
        Kept::of("hand-over", &staff, &[("child", "pip"), ("words", "As told.")]),
        Kept::at("identify", &identify, &identify, &[("person", "quin")]),
        Kept::at(
            "/concerns/{concern}/reassign",
            &reassign,
            &reassign,
            &[
                ("person", "quin"),
                ("shared", "yes"),
                ("flag-1", "yes"),
                ("words", "Seen by the tutor."),
            ],
        ),
        Kept::at(
            "/concerns/new",
            "/concerns/new",
            "/concerns/new",
            &[
                ("person", "pip"),
                ("kind", "bullying"),
                ("severity", "3"),
                ("happened", "2026-11-20T10:00"),
                ("words", "What happened."),
            ],
        ),
        Kept::at(
            "/queue/find",
            "/queue/find",
            "/queue",
            &[("reference", "K7M-4QX")],
        ),
        Kept::at(
            "/people/grant",
            "/people/grant",
            "/people",
            &[("person", "flo"), ("duty", "deputy")],
        ),
        Kept::at(
            "/people/conflicts",
            "/people/conflicts",
            "/people",
            &[("reader", "bo"), ("about", "quin")],
        ),
        Kept::at(
            "/people/{person}/change",
            "/people/bo/change",
            "/people/bo",
            &[
                ("given", "Bea"),
                ("family", "Carrow-Lane"),
                ("email", "bea@oak.example"),
                ("role", "governor"),
            ],
        ),
        Kept::at(
            "/lists/preview",
            "/lists/preview",
            "/lists/changes",
            &[
                ("do", "add-term"),
                ("text", "an invented phrase"),
                ("topic", "bullying"),
                ("severity-ks2", "3"),
                ("reason", "Heard in year 5."),
            ],
        ),
    ]
}

/// The reasons for opening what lies in the safe.
async fn in_the_safe(school: &School) -> Vec<Kept> {
    let concern = school
        .concern(&Seen {
            account: "quin",
            ..SEARCH
        })
        .await;
    super::safe::into_the_safe(school, &concern).await;
    let record = super::safe::quarantine(school, "LAPTOP-12", 1, b"cannot be read").await;
    let concern = format!("/safe/concerns/{concern}");
    let why = [("words", "A life may be at risk.")];
    vec![
        Kept::at("/safe/concerns/{concern}", &concern, &concern, &why),
        Kept::at("/safe/records/{record}", &record, &record, &why),
    ]
}

#[tokio::test]
async fn what_was_typed_into_any_form_comes_back_or_nothing_is_typed_into_it() {
    let (school, router) = school().await;
    let [mut cy, mut bo] = signed_in(&school, &router, [CY, BO]).await;
    let mut all = kept(&school, &mut cy, &mut bo).await;
    all.extend(in_the_safe(&school).await);
    for form in forms() {
        let is_kept = all.iter().any(|kept| kept.form == form);
        assert_ne!(
            is_kept,
            NOTHING_KEPT.contains(&form.as_str()),
            "{form} is in one of the two tables"
        );
    }

    // A page that is open while its session ends.
    let open = cy.get("/account").await.field("csrf");
    cy.send("/sign-out", &open, &[]).await;
    for kept in &all {
        let late = kept.send(&mut cy, &open).await;
        assert_eq!(
            late.location(),
            format!("/sign-in?back={}&kept=yes", kept.page),
            "{}",
            kept.form
        );
    }
    let code = cy.code(1);
    cy.sign_in("cy", PASSWORD, &code).await;
    let [_, sheet] = super::safe::sheets(&school).await;
    super::safe::unlock(&mut cy, &sheet).await;
    run(&school, "DELETE FROM draft").await;
    for kept in &all {
        let late = kept.send(&mut cy, &open).await;
        assert_eq!(late.status, StatusCode::FORBIDDEN, "{}", kept.form);
        assert!(
            late.body.contains(&format!("href=\"{}\"", kept.page)),
            "{}: {}",
            kept.form,
            late.body
        );
        let page = cy.get(&kept.page).await;
        assert!(
            page.body.contains("What you wrote was kept"),
            "{}: {}",
            kept.form,
            page.body
        );
        for (name, value) in &kept.typed {
            assert!(
                holds(&page.body, name, value),
                "{} {name} {value}: {}",
                kept.form,
                page.body
            );
        }
        let csrf = page.field("csrf");
        cy.send("/kept/throw-away", &csrf, &[("page", kept.page.clone())])
            .await;
        assert!(!cy.get(&kept.page).await.body.contains("What you wrote was kept"));
    }
}

async fn run(school: &School, statement: &'static str) {
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(statement).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_in_one_field_leaves_the_others_as_they_were_typed() {
    let (school, router) = school().await;
    let [mut cy, _bo] = signed_in(&school, &router, [CY, BO]).await;
    for (page, form, fault, left) in [
        ("/people", "/people/grant", ("person", ""), ("duty", "deputy")),
        ("/people", "/people/conflicts", ("reader", ""), ("about", "quin")),
        (
            "/people/bo",
            "/people/bo/change",
            ("email", "no address"),
            ("family", "Carrow-Lane"),
        ),
    ] {
        let fields = [fault, left, ("given", "Bea"), ("role", "governor")];
        let answer = cy.post(page, form, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(holds(&answer.body, left.0, left.1), "{form}: {}", answer.body);
        assert!(
            answer.body.contains(&format!("id=\"{}-error\"", fault.0)),
            "{form}: {}",
            answer.body
        );
        if page.ends_with("bo") {
            assert!(holds(&answer.body, "email", "no address") && holds(&answer.body, "role", "governor"));
        }
    }
    // What was then taken is no draft any more, also where it was answered with a code.
    cy.post(
        "/people",
        "/people/grant",
        &[("person", "flo"), ("duty", "deputy")],
    )
    .await;
    cy.post(
        "/people",
        "/people/conflicts",
        &[("reader", "bo"), ("about", "quin")],
    )
    .await;
    assert!(!cy.get("/people").await.body.contains("What you wrote was kept"));
}

/// The reason for opening something is not lost when the quarter of an hour is over.
#[tokio::test]
async fn a_reason_that_finds_the_safe_closed_comes_back_once_it_is_open() {
    let (school, router) = school().await;
    let [mut cy] = signed_in(&school, &router, [CY]).await;
    let [_, sheet] = super::safe::sheets(&school).await;
    for kept in in_the_safe(&school).await {
        super::safe::unlock(&mut cy, &sheet).await;
        let csrf = cy.get(&kept.page).await.field("csrf");
        cy.send("/safe/close", &csrf, &[]).await;
        let closed = kept.send(&mut cy, &csrf).await;
        assert_eq!(closed.location(), "/safe");
        super::safe::unlock(&mut cy, &sheet).await;
        assert!(holds(
            &cy.get(&kept.page).await.body,
            "words",
            "A life may be at risk."
        ));
        cy.post(&kept.page, &kept.to, &kept.typed).await;
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM draft WHERE school_id = ?")
            .bind(SCHOOL)
            .fetch_one(&mut *school.app.store.read().await.unwrap())
            .await
            .unwrap();
        assert_eq!(left, 0);
    }
}
