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

use std::ops::Range;

use pastoral_keywords::{Provenance, Source};
use serde::Deserialize;
use toml::Spanned;

const SHIPPED: &str = include_str!("../../data/search-sites.toml");
/// Characters of the longest query that is taken for typed.
const QUERY: usize = 512;
/// Characters of the longest `{any}`.
const ANY: usize = 60;

/// What a title turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
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
    pub fn recognise(&self, program: &str, title: &str) -> Seen {
        let title: String = title.chars().filter(|c| !is_invisible(*c)).collect();
        let title = title.trim();
        let Some((browser, page)) = self.page_title(program, title) else {
            return Seen::title(title, "");
        };
        let candidates = browser.candidates(page);
        let hit = candidates
            .iter()
            .find_map(|candidate| self.query(without_counter(candidate)));
        match hit {
            Some((site, query)) if site.typed => Seen {
                source: Source::Search,
                provenance: Provenance::Typed,
                text: query.to_owned(),
                site: site.site.clone(),
            },
            Some((site, _)) => Seen::title(page, &site.site),
            None => Seen::title(page, ""),
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

impl Seen {
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

/// The form of a title: a literal beginning, what is captured, and literals with anything short between them.
#[derive(Debug)]
struct Form {
    before: String,
    /// After the capture, in order; the text between two of them is an `{any}`.
    after: Vec<String>,
}

impl Form {
    fn parse(form: &str, capture: &str) -> Result<Self, String> {
        let parts: Vec<&str> = form.split(capture).collect();
        let [before, after] = parts[..] else {
            return Err(format!(
                "`{form}` must have {capture} in it once; for example \"{capture} - Example\""
            ));
        };
        let after: Vec<String> = after.split("{any}").map(str::to_owned).collect();
        if before.contains(['{', '}']) || after.iter().any(|literal| literal.contains(['{', '}'])) {
            return Err(format!("`{form}`: use only {capture}, and {{any}} after it"));
        }
        if before.is_empty() && after.iter().all(|literal| literal.trim().is_empty()) {
            return Err(format!(
                "`{form}` would be met by every title; write what the site adds to it"
            ));
        }
        if after.len() > 1 && after[0].is_empty() {
            return Err(format!("`{form}`: write something between {capture} and {{any}}"));
        }
        Ok(Self {
            before: before.to_owned(),
            after,
        })
    }

    fn literal_length(&self) -> usize {
        self.before.len() + self.after.iter().map(String::len).sum::<usize>()
    }

    /// What stands at the place of the capture, if the title has this form from end to end.
    fn capture<'t>(&self, title: &'t str) -> Option<&'t str> {
        let (last, others) = self.after.split_last()?;
        let mut rest = title
            .strip_prefix(self.before.as_str())?
            .strip_suffix(last.as_str())?;
        for literal in others.iter().rev() {
            let at = rest.rfind(literal.as_str())?;
            let any = rest.get(at + literal.len()..)?;
            if any.is_empty() || any.chars().count() > ANY {
                return None;
            }
            rest = rest.get(..at)?;
        }
        let captured = rest.trim();
        (!captured.is_empty()).then_some(captured)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn query(program: &str, title: &str) -> Option<(String, String)> {
        let seen = SearchSites::shipped().recognise(program, title);
        assert_eq!(
            seen.source == Source::Search,
            seen.provenance == Provenance::Typed,
            "{title}"
        );
        (seen.source == Source::Search).then_some((seen.site, seen.text))
    }

    fn page(program: &str, title: &str) -> String {
        let seen = SearchSites::shipped().recognise(program, title);
        assert_eq!(
            (seen.source, seen.provenance),
            (Source::Title, Provenance::Page),
            "{title}"
        );
        seen.text
    }

    #[test]
    fn a_search_is_recognised_in_the_title_of_every_engine_and_in_every_browser() {
        let pages = [
            ("Google", "why is the sky blue - Google Search"),
            ("Google", "warum ist der himmel blau - Google Suche"),
            ("Google Images", "why is the sky blue - Google Images"),
            ("Google Scholar", "why is the sky blue - Google Scholar"),
            ("Bing", "why is the sky blue - Search"),
            ("Bing", "why is the sky blue - Bing"),
            ("DuckDuckGo", "why is the sky blue at DuckDuckGo"),
            ("Ecosia", "why is the sky blue - Ecosia - Web"),
            ("Qwant", "why is the sky blue - Qwant Search"),
            ("Yahoo", "why is the sky blue - Yahoo Search Results"),
            ("Startpage", "why is the sky blue - Startpage Search Results"),
            ("Brave Search", "why is the sky blue - Brave Search"),
            ("Yandex", "why is the sky blue — Yandex: found 2 million results"),
            ("Baidu", "why is the sky blue_百度搜索"),
            ("Wikipedia", "why is the sky blue - Search results - Wikipedia"),
            ("Amazon", "Amazon.co.uk : why is the sky blue"),
            ("eBay", "why is the sky blue for sale | eBay"),
            ("Reddit", "why is the sky blue - Reddit Search!"),
            ("TikTok", "why is the sky blue | TikTok Search"),
            ("Pinterest", "why is the sky blue - Pinterest Search"),
            ("Kiddle", "why is the sky blue - Kiddle"),
            ("Swisscows", "why is the sky blue - Swisscows"),
            ("Mojeek", "why is the sky blue - Mojeek Search"),
            ("X", "(3) why is the sky blue - Search / X"),
        ];
        let windows = [
            ("chromium", " - Chromium"),
            ("chromium", " - Chromium (Incognito)"),
            ("chrome", " - Google Chrome"),
            ("chrome.exe", " - Google Chrome (Incognito)"),
            ("firefox-esr", " — Mozilla Firefox"),
            ("firefox", " — Mozilla Firefox Private Browsing"),
            ("firefox", " - Mozilla Firefox (Private Browsing)"),
            ("msedge", " - Microsoft Edge"),
            ("msedge", " - Personal - Microsoft\u{200b} Edge"),
            (
                "msedge",
                " and 12 more pages - Profile 1 - Microsoft\u{200b} Edge",
            ),
            ("msedge", " and 1 more page - [InPrivate] - Microsoft Edge"),
            ("brave", " - Brave"),
            ("vivaldi-bin", " - Vivaldi"),
            ("opera", " - Opera"),
            ("", " - Chromium"),
        ];
        for (site, title) in pages {
            for (program, ending) in windows {
                let (found, text) =
                    query(program, &format!("{title}{ending}")).unwrap_or_else(|| panic!("{title}{ending}"));
                assert_eq!(found, site, "{title}{ending}");
                assert!(
                    ["why is the sky blue", "warum ist der himmel blau"].contains(&text.as_str()),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn at_least_fifteen_engines_and_sites_are_known() {
        let mut sites: Vec<_> = SearchSites::shipped()
            .forms
            .into_iter()
            .map(|form| form.site)
            .collect();
        sites.sort();
        sites.dedup();
        assert!(sites.len() >= 15, "{}", sites.len());
    }

    #[test]
    fn any_other_title_of_a_browser_was_written_by_the_page() {
        assert_eq!(page("chromium", "BBC Bitesize - Chromium"), "BBC Bitesize");
        assert_eq!(
            page("firefox", "Maths - Year 5 — Mozilla Firefox"),
            "Maths - Year 5"
        );
        assert_eq!(page("firefox", "Mozilla Firefox"), "Mozilla Firefox");
        assert_eq!(page("chromium", "Google - Chromium"), "Google");
        assert_eq!(page("chromium", " - Google Search - Chromium"), "- Google Search");
    }

    #[test]
    fn a_form_that_a_site_gives_to_other_pages_too_is_never_typed() {
        let seen = SearchSites::shipped().recognise("chromium", "A song about bees - YouTube - Chromium");
        assert_eq!((seen.source, seen.provenance), (Source::Title, Provenance::Page));
        assert_eq!(
            (seen.site.as_str(), seen.text.as_str()),
            ("YouTube", "A song about bees - YouTube")
        );
    }

    #[test]
    fn a_program_that_is_not_a_browser_cannot_be_taken_for_a_search() {
        let title = "why is the sky blue - Google Search - Chromium";
        assert_eq!(page("xterm", title), title);
        assert_eq!(
            page("soffice.bin", "plan - Google Search"),
            "plan - Google Search"
        );
        assert_eq!(page("", "plan - Google Search"), "plan - Google Search");
    }

    #[test]
    fn a_page_cannot_put_a_form_into_the_middle_of_its_title_or_a_book_before_it() {
        assert_eq!(query("chromium", "sky - Google Search tips - Chromium"), None);
        assert_eq!(
            query(
                "chromium",
                &format!("{} - Google Search - Chromium", "sky ".repeat(200))
            ),
            None
        );
    }

    #[test]
    fn a_query_that_looks_like_a_form_keeps_all_its_words() {
        let found = query("chromium", "bees - Search - Google Search - Chromium");
        assert_eq!(found, Some(("Google".into(), "bees - Search".into())));
    }

    #[test]
    fn a_bad_file_is_refused_with_its_line() {
        let good = "[[browser]]\nprograms = [\"b\"]\nendings = [\"{title} - B\"]\n";
        for (bad, line) in [
            (
                format!("{good}[[site]]\nname = \"S\"\ntitles = [\"no place\"]\n"),
                6,
            ),
            (
                format!(
                    "{good}[[site]]\nname = \"S\"\ntitles = [\n  \"{{query}} - S\",\n  \"{{query}}\",\n]\n"
                ),
                8,
            ),
            (format!("{good}[[site]]\nname = \"S\"\nforms = []\n"), 6),
            (
                format!("{good}[[site]]\nname = \"S\"\ntitles = [\"{{query}}{{any}}\"]\n"),
                6,
            ),
            (format!("{good}[[site]\n"), 4),
        ] {
            let error = SearchSites::parse(&bad, "sites.toml").unwrap_err();
            assert_eq!((error.line, error.file.as_str()), (line, "sites.toml"), "{error}");
        }
    }
}
