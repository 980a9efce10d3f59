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
            format!("{good}[[site]]\nname = \"S\"\ntitles = [\n  \"{{query}} - S\",\n  \"{{query}}\",\n]\n"),
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
