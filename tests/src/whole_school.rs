//! A school with everybody who signs in, and one device of its pupils and one of its staff, which speak for themselves.

use crate::reader::Reader;
use crate::staff::{Staff, appoint};
use crate::store::Store;
use anyhow::{Context as _, Result, ensure};
use pastoral_keywords::{Provenance, Source};
use pastoral_proto::device::{Answer, answer};
use pastoral_proto::{Flag, Record, encode_record};
use pastoral_support::collector::Collector;
use pastoral_support::device::{Device, Stream};
use pastoral_support::mail::Mail;
use pastoral_support::process::Folder;
use pastoral_support::records::{flag_about, is_committed};
use pastoral_support::school::{self, Person};
use std::cell::RefCell;
use tokio::runtime::Runtime;

/// The school. Dropped, all of it ends.
pub struct WholeSchool {
    /// Those who sign in, but for the deputy.
    pub staff: Staff,
    /// The deputy of the safeguarding lead.
    pub deputy: Reader,
    /// Its collector.
    pub collector: Collector,
    /// Where its mail goes.
    pub mail: Mail,
    devices: RefCell<[Talk; 2]>,
    runtime: Runtime,
    /// Where everything is.
    pub folder: Folder,
}

struct Talk {
    stream: Stream,
    sent: u64,
}

/// What a device saw and flags.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// On a device of the staff; otherwise of the pupils.
    pub on_staff_device: bool,
    /// The account's name; `ibbotson` is that of the pupil Pip Ibbotson.
    pub account: &'a str,
    /// The whole text.
    pub text: &'a str,
    /// What matched in it.
    pub term: &'a str,
    /// The term's topic.
    pub topic: &'a str,
    /// The term's severity.
    pub severity: u8,
    /// Whether a page's title said it; otherwise somebody typed it.
    pub by_page: bool,
}

impl WholeSchool {
    /// Starts it, lets everybody set up how they sign in, and both devices join.
    pub fn start(name: &str) -> Result<Self> {
        let folder = Folder::new(name)?;
        let mail = Mail::start(&folder)?;
        let collector = Collector::of_school(&folder, &mail, &[])?;
        let staff = Staff::join(&collector, &mail)?;
        let deputy = appoint(
            &collector.url(),
            &mail,
            (&staff.head, &staff.chair),
            school::DEPUTY,
            "deputy",
        )?;
        let runtime = Runtime::new()?;
        let join = async |group: &str, epoch: u8| {
            let device = Device::joined_by(&collector, &collector.open_token_for(group)).await;
            let stream = device.welcomed(&collector, [epoch; 16]).await;
            Talk { stream, sent: 0 }
        };
        let devices = runtime.block_on(async { [join("pupils", 1).await, join("staff", 2).await] });
        Ok(Self {
            staff,
            deputy,
            collector,
            mail,
            devices: RefCell::new(devices),
            runtime,
            folder,
        })
    }

    /// Everybody who signs in, with what they are.
    #[must_use]
    pub fn everybody(&self) -> [(&'static str, &Reader); 5] {
        let [lead, head, technician, chair] = self.staff.everybody();
        [lead, ("Deputy", &self.deputy), head, technician, chair]
    }

    /// A device flags this; gives the concern it is part of.
    pub fn flag(&self, seen: &Seen<'_>) -> Result<String> {
        let record = encode_record(&Record::Flag(flag(seen)?));
        let answers = self.send(usize::from(seen.on_staff_device), seen.severity, record);
        ensure!(
            answers.len() == 1 && answers.iter().all(is_committed),
            "the collector answers {answers:?}"
        );
        let last = self
            .store()?
            .texts("SELECT concern_id FROM flag ORDER BY flag_id DESC LIMIT 1")?;
        last.into_iter().next().context("the flag is not in the store")
    }

    /// The pupils' device sends a record that nobody can read.
    pub fn send_unreadable(&self, bytes: &[u8]) -> Result<()> {
        let answers = self.send(0, 4, bytes.to_vec());
        let kept = |answer: &Answer| matches!(answer.outcome, Some(answer::Outcome::Quarantined(_)));
        ensure!(answers.iter().all(kept), "the collector answers {answers:?}");
        Ok(())
    }

    fn send(&self, device: usize, severity: u8, record: Vec<u8>) -> Vec<Answer> {
        let talk = &mut self.devices.borrow_mut()[device];
        talk.sent += 1;
        let envelope = talk.stream.envelope(talk.sent, severity.into(), record);
        self.runtime.block_on(async {
            talk.stream.send(vec![envelope]).await;
            talk.stream.answers().await
        })
    }

    /// A new device asks to join and waits for somebody to approve it, until the test ends.
    pub fn let_a_device_ask(&self) {
        let (device, token) = (Device::stranger(), self.collector.token());
        let mut replies = self.runtime.block_on(device.ask(&self.collector, &token));
        self.runtime
            .spawn(async move { while let Ok(Some(_)) = replies.message().await {} });
    }

    /// What people call a concern by, written as pages write it: `K7M-4QXC`.
    pub fn reference(&self, concern: &str) -> Result<String> {
        const SIGNS: &[u8] = b"0123456789BCDFGHJKMNPQRSTWXYZ";
        let mut rest = self.store()?.number(&format!(
            "SELECT reference FROM concern WHERE concern_id = '{concern}'"
        ))?;
        let (mut written, mut check) = (String::new(), 0);
        for place in (1..=6).rev() {
            check += place * (rest % 29);
            written.insert(0, char::from(SIGNS[usize::try_from(rest % 29)?]));
            rest /= 29;
        }
        written.push(char::from(SIGNS[usize::try_from(check % 29)?]));
        written.insert(3, '-');
        Ok(written)
    }

    /// The collector's database.
    pub fn store(&self) -> Result<Store> {
        Store::of(&self.collector)
    }
}

/// The name of a person's account.
#[must_use]
pub fn account_of(person: &Person) -> String {
    person.family.to_lowercase()
}

fn flag(seen: &Seen<'_>) -> Result<Flag> {
    let mut flag = flag_about(seen.account, seen.text, seen.topic.parse()?, seen.severity);
    flag.account.stable_id = format!("id-{}", seen.account);
    let start = seen
        .text
        .find(seen.term)
        .context("the text does not hold the term")?;
    let found = &mut flag.matches[0];
    found.term = seen.term.to_owned();
    found.span = start..start + seen.term.len();
    if seen.by_page {
        flag.source = Source::Title;
        flag.provenance = Provenance::Page;
        flag.site = String::new();
    }
    Ok(flag)
}
