//! The page of devices: what is wrong with one, and what a person decides.

use super::*;
use crate::school::SCHOOL;
use axum::http::StatusCode;

#[tokio::test]
async fn what_a_device_was_held_back_for_is_said_and_a_person_decides() {
    let (school, router) = school().await;
    let [mut ann, mut ed] = signed_in(&school, &router, [ANN, ED]).await;
    let held_back = |at: &'static str| {
        let statement = format!(
            "INSERT INTO device_use (school_id, device_id, day, what, used, held_back_at)
             VALUES ('{SCHOOL}', 'LAPTOP-12', '2026-11-28', 'bytes', 9, {at})
             ON CONFLICT (school_id, device_id, day, what) DO UPDATE SET held_back_at = excluded.held_back_at"
        );
        let store = school.app.store.clone();
        async move {
            let mut tx = store.write().await.unwrap();
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .execute(&mut *tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
    };
    held_back("5").await;
    let words = "It sent more records than a laptop makes in a day";
    let page = ed.get("/devices").await.body;
    assert!(
        page.contains(words) && page.contains("Allow more for today"),
        "{page}"
    );
    let page = ann.get("/devices").await.body;
    assert!(
        page.contains(words) && !page.contains("Allow more for today"),
        "{page}"
    );
    // Who decides sees on every page that somebody must.
    let counted = "Devices (1<span";
    assert!(ed.get("/lists").await.body.contains(counted));
    assert!(!ann.get("/lists").await.body.contains(counted));
    let to = "/devices/LAPTOP-12/allow";
    assert_eq!(ann.post("/devices", to, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        ed.post("/devices", to, &[]).await.location(),
        "/devices?done=allowed"
    );
    let page = ed.get("/devices").await.body;
    assert!(!page.contains(words) && !page.contains(counted), "{page}");
    // It went on beyond what was allowed.
    held_back("9000000000000").await;
    assert!(ed.get("/devices").await.body.contains(words));
}

#[tokio::test]
async fn a_retired_laptop_is_marked_so_and_can_be_brought_back() {
    let (school, router) = school().await;
    let [mut ann, mut ed] = signed_in(&school, &router, [ANN, ED]).await;
    let (retire, back) = ("/devices/LAPTOP-12/retire", "/devices/LAPTOP-12/bring-back");
    assert_eq!(
        ann.post("/devices", retire, &[]).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        ed.post("/devices", retire, &[]).await.location(),
        "/devices?done=retired"
    );
    let page = ed.get("/devices").await.body;
    assert!(
        page.contains("LAPTOP-12: Retired") && page.contains("1 retired."),
        "{page}"
    );
    assert!(page.contains("1 device in use"), "{page}");
    assert!(ed.get("/health").await.body.contains("1 device in use"));
    let done = ed.post("/devices", back, &[]).await;
    assert_eq!(done.location(), "/devices?done=brought-back", "{}", done.body);
    assert!(!ed.get("/devices").await.body.contains("LAPTOP-12: Retired"));
}
