//! Everything of the console that somebody can reach: every page behind every link, and what they may try directly.

use crate::forms::{self, Form};
use crate::reader::{Answer, Reader};
use anyhow::{Context as _, Result, ensure};
use std::collections::{BTreeMap, VecDeque};
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// More pages than a school of tests has.
const MOST: usize = 400;
/// Pages of the shipped lists' terms are looked at up to so many: there are thousands, the same in every school.
const LISTS: usize = 60;

/// Every page that links lead to from the start, by its path; with the pages of the menu though nothing led there.
pub fn everything_linked(reader: &Reader) -> Result<BTreeMap<String, Answer>> {
    let mut to_visit = VecDeque::from(["/".to_owned()]);
    let mut pages = BTreeMap::new();
    while let Some(path) = to_visit.pop_front() {
        if pages.contains_key(&path) {
            continue;
        }
        let of_lists = |path: &&String| path.starts_with("/lists/");
        if of_lists(&&path) && pages.keys().filter(of_lists).count() >= LISTS {
            continue;
        }
        ensure!(pages.len() < MOST, "the links lead on without an end, to {path}");
        let answer = reader.visit(&path)?;
        let links = forms::links_of(&answer.html).into_iter();
        to_visit.extend(links.filter(|link| link.starts_with('/') && !link.starts_with("/assets/")));
        pages.insert(path, answer);
    }
    Ok(pages)
}

/// Sends a concern's form that no page offers, as somebody would who knows its address.
pub fn try_action(reader: &Reader, concern: &str, action: &str) -> Result<Answer> {
    let page = reader.visit("/account/password")?;
    let token = Form::with_action(&page.html, "/account/password")?;
    let token = token
        .field("csrf")
        .context("a form without its token")?
        .to_owned();
    reader.send(&Form {
        action: format!("/concerns/{concern}/{action}"),
        fields: vec![
            ("csrf".into(), token),
            ("version".into(), "0".into()),
            ("words".into(), "a".into()),
        ],
        choices: Vec::new(),
        text: String::new(),
    })
}

/// All that an open queue is sent, from now on, for as long as the collector runs.
pub struct OpenQueue(Arc<Mutex<Vec<u8>>>);

impl OpenQueue {
    /// Opens it.
    pub fn of(reader: &Reader) -> Result<Self> {
        let mut stream = reader.stream("/queue/live")?;
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keeps = Arc::clone(&kept);
        // It ends with the collector, which closes the stream.
        thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut part) {
                let mut kept = keeps.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&part[..length]);
            }
        });
        Ok(Self(kept))
    }

    /// What it was sent so far.
    #[must_use]
    pub fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }
}
