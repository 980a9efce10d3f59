//! Searches recognised in the titles of browser windows.
//!
//! A page of search results names the query in its title, in a form of its own: `how to … - Google Search`. The forms stand
//! in `data/search-sites.toml`, with what is known and not known about each. A title in such a form, in the window of a
//! known browser, is a search that was typed; any other title was written by the page or document.
//!
//! A title alone proves nothing: a page can give itself the title of a search page. That is made harder (the program must
//! be a browser, the form must be met from end to end, a query has a sensible length, and forms that a site also gives to
//! its other pages do not count as typed), but it cannot be excluded without the address. A reader is therefore told
//! "typed" in the sense of "in the form of a search", and a reviewer decides.

mod form;
#[cfg(test)]
mod tests;

use std::ops::Range;

use pastoral_keywords::{Provenance, Source};
use serde::Deserialize;
use toml::Spanned;

use self::form::Form;

const SHIPPED: &str = include_str!("../../data/search-sites.toml");
/// Characters of the longest query that is taken for typed.
const QUERY: usize = 512;

/// What a title turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// A search, or a title.
    pub source: Source,
    /// Typed by the user, or written by the page.
    pub provenance: Provenance,
    /// The query, or the title without what the browser adds.
    pub text: String,
    /// The search engine or site, where its form was recognised; else empty.
    pub site: String,
}

/// The forms of titles that browsers and search sites make.
#[derive(Debug)]
pub struct SearchSites {
    browsers: Vec<Browser>,
    /// The longest form first, so that the most particular one decides.
    forms: Vec<SiteForm>,
}

/// Why a file of search sites is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {fault}")]
pub struct SitesError {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to write instead.
    pub fault: String,
}

impl SearchSites {
    /// The forms that come with Pastoral.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the shipped file is part of the program, and a test reads it"
    )]
    pub fn shipped() -> Self {
        Self::parse(SHIPPED, "search-sites.toml").expect("the shipped search sites are sound")
    }

    /// Reads and checks a file of search sites.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn parse(toml: &str, file: &str) -> Result<Self, SitesError> {
        let fault = |span: &Range<usize>, fault: String| {
            let line = 1 + toml
                .bytes()
                .take(span.start)
                .filter(|byte| *byte == b'\n')
                .count();
            SitesError {
                file: file.to_owned(),
                line,
                fault,
            }
        };
        let raw: RawSites = toml::from_str(toml)
            .map_err(|error| fault(&error.span().unwrap_or(0..0), error.message().trim().to_owned()))?;
        let form = |raw: &Spanned<String>, capture: &str| {
            Form::parse(raw.get_ref(), capture).map_err(|what| fault(&raw.span(), what))
        };
        let mut browsers = Vec::new();
        for raw in &raw.browser {
            let forms = |raw: &[Spanned<String>]| {
                raw.iter()
                    .map(|raw| form(raw, "{title}"))
                    .collect::<Result<_, _>>()
            };
            let mut endings: Vec<Form> = forms(&raw.endings)?;
            endings.sort_by_key(|form| std::cmp::Reverse(form.literal_length()));
            browsers.push(Browser {
                programs: raw.programs.clone(),
                endings,
                extras: forms(&raw.extras)?,
            });
        }
        let mut forms = Vec::new();
        for site in &raw.site {
            for (titles, typed) in [(&site.titles, true), (&site.shared_titles, false)] {
                for raw in titles {
                    forms.push(SiteForm {
                        site: site.name.clone(),
                        form: form(raw, "{query}")?,
                        typed,
                    });
                }
            }
        }
        forms.sort_by_key(|site| std::cmp::Reverse(site.form.literal_length()));
        Ok(Self { browsers, forms })
    }

    /// What a window's title is, given the name of the window's program (which may be empty where it is not known).
    #[must_use]
    pub fn recognise(&self, program: &str, title: &str) -> Recognised {
        let title: String = title.chars().filter(|c| !is_invisible(*c)).collect();
        let title = title.trim();
        let Some((browser, page)) = self.page_title(program, title) else {
            return Recognised::title(title, "");
        };
        let candidates = browser.candidates(page);
        let hit = candidates
            .iter()
            .find_map(|candidate| self.query(without_counter(candidate)));
        match hit {
            Some((site, query)) if site.typed => Recognised {
                source: Source::Search,
                provenance: Provenance::Typed,
                text: query.to_owned(),
                site: site.site.clone(),
            },
            Some((site, _)) => Recognised::title(page, &site.site),
            None => Recognised::title(page, ""),
        }
    }

    fn query<'t>(&self, title: &'t str) -> Option<(&SiteForm, &'t str)> {
        let mut hits = self
            .forms
            .iter()
            .filter_map(|site| Some((site, site.form.capture(title)?)));
        hits.next().filter(|(_, query)| query.chars().count() <= QUERY)
    }

    /// The browser whose window it is, and the page's own title; none if it is not a browser's window.
    fn page_title<'t>(&self, program: &str, title: &'t str) -> Option<(&Browser, &'t str)> {
        let program = program.trim_end_matches(".exe").to_ascii_lowercase();
        let known = self
            .browsers
            .iter()
            .find(|browser| browser.programs.contains(&program));
        if let Some(browser) = known {
            // A window of an installed web application bears the page's title alone.
            let page = browser
                .endings
                .iter()
                .find_map(|ending| ending.capture(title))
                .unwrap_or(title);
            return Some((browser, page));
        }
        if !program.is_empty() {
            return None;
        }
        self.browsers.iter().find_map(|browser| {
            let page = browser.endings.iter().find_map(|ending| ending.capture(title))?;
            Some((browser, page))
        })
    }
}

impl Recognised {
    fn title(text: &str, site: &str) -> Self {
        Self {
            source: Source::Title,
            provenance: Provenance::Page,
            text: text.to_owned(),
            site: site.to_owned(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSites {
    browser: Vec<RawBrowser>,
    site: Vec<RawSite>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBrowser {
    programs: Vec<String>,
    endings: Vec<Spanned<String>>,
    #[serde(default)]
    extras: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSite {
    name: String,
    #[serde(default)]
    titles: Vec<Spanned<String>>,
    #[serde(default)]
    shared_titles: Vec<Spanned<String>>,
}

#[derive(Debug)]
struct Browser {
    programs: Vec<String>,
    /// What it adds to a page's title; the longest first.
    endings: Vec<Form>,
    /// What else may stand between the page's title and the ending.
    extras: Vec<Form>,
}

impl Browser {
    /// The title as it is, and without one or more of the extras.
    fn candidates<'t>(&self, page: &'t str) -> Vec<&'t str> {
        let mut candidates = vec![page];
        for extra in &self.extras {
            let shorter: Vec<&str> = candidates
                .iter()
                .filter_map(|candidate| extra.capture(candidate))
                .collect();
            candidates.extend(shorter);
        }
        candidates
    }
}

#[derive(Debug)]
struct SiteForm {
    site: String,
    form: Form,
    /// Whether the site gives this form to searches only.
    typed: bool,
}

/// The title without the number of unread notices that some sites put before it: `(3) `.
fn without_counter(title: &str) -> &str {
    let rest = title.strip_prefix('(').and_then(|rest| rest.split_once(") "));
    match rest {
        Some((number, rest))
            if !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '+') =>
        {
            rest
        }
        _ => title,
    }
}

/// Edge writes a zero-width space into its own name, and right-to-left pages bring direction marks.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
