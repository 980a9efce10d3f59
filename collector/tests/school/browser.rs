//! A person at the console, through its real router: keeps cookies, sends forms with their token.

use super::{School, email};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use pastoral_collector::access::SecondFactor;
use pastoral_collector::concerns::model::Duty;
use std::collections::BTreeMap;
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// What came back.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Page {
    /// Where it sends the browser.
    pub(crate) fn location(&self) -> &str {
        self.headers
            .get(header::LOCATION)
            .map_or("", |to| to.to_str().unwrap())
    }

    /// The value of a hidden field.
    pub(crate) fn field(&self, name: &str) -> String {
        let at = format!("name=\"{name}\" value=\"");
        let rest = self
            .body
            .split(&at)
            .nth(1)
            .unwrap_or_else(|| panic!("no field {name} in {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

/// A person at the console.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
    pub(crate) secret: String,
    pub(crate) recovery: Vec<String>,
    /// The code that was used to join.
    pub(crate) joined_with: String,
    /// What a proxy says of whom it passes on for.
    pub(crate) forwarded: String,
}

impl Browser {
    pub(crate) fn new(router: &Router) -> Self {
        Self {
            router: router.clone(),
            cookies: BTreeMap::new(),
            secret: String::new(),
            recovery: Vec::new(),
            joined_with: String::new(),
            forwarded: String::new(),
        }
    }

    /// The collector was started again; this browser and its cookies are still there.
    pub(crate) fn restarted(&mut self, router: &Router) {
        self.router = router.clone();
    }

    /// Somebody who has used their link and is signed in.
    pub(crate) async fn joined(school: &School, router: &Router, person: &str, duty: Duty) -> Self {
        let invited = school.invite(person, duty).await;
        let mut browser = Self::new(router);
        let done = browser.join(&invited.path, &invited.code).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.body);
        browser
    }

    /// Uses a link with the code that was told.
    pub(crate) async fn join(&mut self, link: &str, told: &str) -> Page {
        let form = self.get(link).await;
        if form.status != StatusCode::OK {
            return form;
        }
        self.secret = form.field("secret");
        let code = self.code(0);
        self.joined_with.clone_from(&code);
        let fields = [
            ("secret", self.secret.clone()),
            ("heard", told.to_owned()),
            ("password", PASSWORD.to_owned()),
            ("again", PASSWORD.to_owned()),
            ("code", code),
        ];
        let done = self.send(link, &form.field("csrf"), &fields).await;
        self.recovery = done
            .body
            .split("app-code\">")
            .skip(1)
            .map(|rest| rest.split('<').next().unwrap().to_owned())
            .collect();
        done
    }

    /// The code of the phone's app, some steps of 30 seconds from now.
    pub(crate) fn code(&self, steps: i64) -> String {
        let factor = SecondFactor::from_text(&self.secret).unwrap();
        let at = pastoral_collector::clock::now_ms() / 1000 + steps * 30;
        let secret = totp_rs::Secret::try_from_base32(factor.text().as_str()).unwrap();
        let totp = totp_rs::Builder::new()
            .with_secret(secret)
            .with_account_name("x")
            .build()
            .unwrap();
        totp.generate(u64::try_from(at).unwrap()).to_string()
    }

    pub(crate) async fn sign_in(&mut self, person: &str, password: &str, code: &str) -> Page {
        let form = self.get("/sign-in").await;
        let fields = [
            ("email", email(person)),
            ("password", password.to_owned()),
            ("code", code.to_owned()),
        ];
        self.send("/sign-in", &form.field("csrf"), &fields).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let request = self.request("GET", path).body(Body::empty()).unwrap();
        self.answer(request).await
    }

    /// Sends a form of a page.
    pub(crate) async fn post(&mut self, from: &str, to: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.get(from).await;
        let mut fields: Vec<(&str, String)> = fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        if from.starts_with("/concerns/") && from != "/concerns/new" {
            fields.push(("version", page.field("version")));
        }
        self.send(to, &page.field("csrf"), &fields).await
    }

    /// As if the session had ended: what else the browser keeps stays.
    pub(crate) fn forget_session(&mut self) {
        self.cookies.remove("pastoral");
    }

    /// Takes the cookies of an answer as it came over the wire.
    pub(crate) fn take_cookies(&mut self, answer: &str) {
        let lines = answer
            .lines()
            .filter_map(|line| line.strip_prefix("set-cookie: "));
        for (name, value) in lines.filter_map(|line| line.split(';').next()?.split_once('=')) {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    pub(crate) async fn send(&mut self, to: &str, csrf: &str, fields: &[(&str, String)]) -> Page {
        let request = self.form(to, csrf, fields).map(Body::from);
        self.answer(request).await
    }

    /// What a form sends.
    pub(crate) fn form(&self, to: &str, csrf: &str, fields: &[(&str, String)]) -> Request<String> {
        let mut form: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        form.push(("csrf", csrf));
        self.request("POST", to)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(encode(&form))
            .unwrap()
    }

    /// The live queue's stream.
    pub(crate) async fn live(&self) -> Response<Body> {
        let request = self.request("GET", "/queue/live").body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn answer(&mut self, request: Request<Body>) -> Page {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let body = axum::body::to_bytes(body, 4 << 20).await.unwrap();
        Page {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, cookies.join("; "));
        match self.forwarded.as_str() {
            "" => request,
            forwarded => request.header("x-forwarded-for", forwarded),
        }
    }
}

fn encode(form: &[(&str, &str)]) -> String {
    let part = |text: &str| -> String {
        let one = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        text.bytes().map(one).collect()
    };
    form.iter()
        .map(|(name, value)| format!("{}={}", part(name), part(value)))
        .collect::<Vec<_>>()
        .join("&")
}
