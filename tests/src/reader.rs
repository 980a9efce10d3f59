//! People who sign in to the console: through its real forms, with a password and a phone's codes.

use crate::forms::{self, Form};
use anyhow::{Context as _, Result, bail};
use pastoral_support::clock;
use pastoral_support::mail::Invited;
use pastoral_support::poll;
use pastoral_support::school::Person;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use totp_rs::{Builder, Secret, Totp};
use ureq::Agent;

const STEP_SECONDS: u64 = 30;

/// Somebody who has set up how they sign in, and their browser's cookies.
pub struct Reader {
    /// Who they are.
    pub person: Person,
    /// Their password.
    pub password: String,
    /// The secret their phone has, as text.
    pub secret: String,
    /// Codes for when the phone is gone.
    pub recovery_codes: Vec<String>,
    /// A code serves once: the last step that was used.
    used_step: AtomicU64,
    console: String,
    agent: Agent,
}

/// A page as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// 200, or what went wrong.
    pub status: u16,
    /// The page.
    pub html: String,
    /// What the page may load, as its header says.
    pub policy: String,
}

impl Answer {
    /// What a person reads.
    #[must_use]
    pub fn text(&self) -> String {
        forms::text_of(&self.html)
    }
}

impl Reader {
    /// Uses a one-time link with the code that they were told: chooses a password, sets up the phone. Signed in afterwards.
    pub fn join(console: &str, person: Person, invited: &Invited) -> Result<Self> {
        let agent = browser();
        let page = get(&agent, console, &invited.path()?)?;
        let form =
            Form::with_action(&page.html, "/join/").with_context(|| format!("{}'s link", person.name()))?;
        let mut reader = Self {
            person,
            password: format!("{} likes long walks 7", person.given.to_lowercase()),
            secret: form
                .field("secret")
                .context("no secret for the phone")?
                .to_owned(),
            recovery_codes: Vec::new(),
            used_step: AtomicU64::new(0),
            console: console.into(),
            agent,
        };
        let form = form
            .with("heard", &invited.code)
            .with("password", &reader.password)
            .with("again", &reader.password);
        let answer = reader.send(&form.with("code", &reader.code()?))?;
        if !answer.html.contains("app-codes") {
            bail!("{} could not join: {}", person.name(), answer.text());
        }
        let codes = answer.html.split("app-code\">").skip(1);
        reader.recovery_codes = codes
            .filter_map(|rest| Some(rest.split_once('<')?.0.to_owned()))
            .collect();
        Ok(reader)
    }

    /// Signs in anew.
    pub fn sign_in(&mut self) -> Result<()> {
        self.agent = browser();
        let page = self.visit("/sign-in")?;
        let form = Form::with_action(&page.html, "/sign-in")?.with("email", self.person.email);
        let answer = self.send(&form.with("password", &self.password).with("code", &self.code()?))?;
        if answer.html.contains("action=\"/sign-in\"") {
            bail!("{} cannot sign in: {}", self.person.name(), answer.text());
        }
        Ok(())
    }

    /// The next code their phone shows that has not served yet. There are three around any moment; after that it takes
    /// half a minute, as it would a person.
    pub fn code(&self) -> Result<String> {
        let totp = self.phone()?;
        let step = poll::within(Duration::from_secs(100), "the phone's next code", || {
            let now = clock::now_s() / STEP_SECONDS;
            let next = (self.used_step.load(Ordering::Relaxed) + 1).max(now - 1);
            (next <= now + 1).then_some(next)
        })?;
        self.used_step.store(step, Ordering::Relaxed);
        Ok(totp.generate(step * STEP_SECONDS).to_string())
    }

    /// What their phone shows at this moment.
    pub fn code_shown_now(&self) -> Result<String> {
        Ok(self.phone()?.generate(clock::now_s()).to_string())
    }

    /// What their phone shows while its clock is five minutes ahead.
    pub fn code_of_a_fast_phone(&self) -> Result<String> {
        let then = clock::now_s() + 10 * STEP_SECONDS;
        Ok(self.phone()?.generate(then).to_string())
    }

    /// The password they chose.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Name and value of the cookie that keeps them signed in.
    #[must_use]
    pub fn cookie(&self) -> Option<(String, String)> {
        let jar = self.agent.cookie_jar_lock();
        let mut cookies = jar.iter();
        let session = cookies.find(|cookie| !cookie.name().ends_with("-visit"))?;
        Some((session.name().to_owned(), session.value().to_owned()))
    }

    /// A page, as they see it.
    pub fn visit(&self, path: &str) -> Result<Answer> {
        get(&self.agent, &self.console, path)
    }

    /// Sends a form, and gives the page it leads to.
    pub fn send(&self, form: &Form) -> Result<Answer> {
        let address = format!("{}{}", self.console, form.action);
        let fields = form
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        answer(self.agent.post(&address).send_form(fields))
    }

    /// Sends a form with a file in it, and gives the answer's status.
    pub fn upload(&self, form: &Form, file: &[u8]) -> Result<u16> {
        let mut body = Vec::new();
        for (name, value) in &form.fields {
            let part =
                format!("--part\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(part.as_bytes());
        }
        body.extend(
            b"--part\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
              Content-Type: image/png\r\n\r\n",
        );
        body.extend(file);
        body.extend(b"\r\n--part--\r\n");
        let request = self.agent.post(format!("{}{}", self.console, form.action));
        let request = request.content_type("multipart/form-data; boundary=part");
        Ok(answer(request.send(&body[..]))?.status)
    }

    /// Visits a page, fills in its form and sends it.
    pub fn submit(&self, path: &str, action: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let page = self.visit(path)?;
        let form = Form::with_action(&page.html, action)?;
        self.send(
            &fields
                .iter()
                .fold(form, |form, (name, value)| form.with(name, value)),
        )
    }

    /// The live stream's first bytes, for as long as `patience`.
    pub fn stream(&self, path: &str) -> Result<impl std::io::Read + use<>> {
        let response = self.agent.get(format!("{}{path}", self.console)).call()?;
        Ok(response.into_body().into_reader())
    }

    fn phone(&self) -> Result<Totp> {
        phone(&self.secret, self.person.email)
    }
}

/// What a phone with this secret shows at this moment.
pub fn code_shown_by(secret: &str) -> Result<String> {
    Ok(phone(secret, "")?.generate(clock::now_s()).to_string())
}

fn phone(secret: &str, account: &str) -> Result<Totp> {
    let secret = Secret::try_from_base32(secret).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let phone = Builder::new()
        .with_secret(secret)
        .with_account_name(account)
        .with_issuer(Some("Pastoral"));
    phone.build().map_err(|error| anyhow::anyhow!("{error:?}"))
}

fn browser() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(10)))
        .build()
        .into()
}

fn get(agent: &Agent, console: &str, path: &str) -> Result<Answer> {
    answer(agent.get(format!("{console}{path}")).call())
}

fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer> {
    let mut response = response.context("the console does not answer")?;
    let policy = response.headers().get("content-security-policy");
    let policy = policy.and_then(|policy| policy.to_str().ok());
    Ok(Answer {
        status: response.status().as_u16(),
        policy: policy.unwrap_or_default().to_owned(),
        html: response.body_mut().read_to_string()?,
    })
}
