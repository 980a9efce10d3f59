//! INVARIANT 3 (P29): no image is ever captured, copied, sent or shown.

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_support::poll;
use pastoral_support::process::output_of;
use pastoral_tests::browser::PupilBrowser;
use pastoral_tests::capture::Capture;
use pastoral_tests::crawl::everything_linked;
use pastoral_tests::desktop::Desktop;
use pastoral_tests::forms::Form;
use pastoral_tests::leftovers::files_with;
use pastoral_tests::search_site::{SearchSite, picture_bytes};
use pastoral_tests::site::{SEVERE, Site};
use pastoral_tests::trace::{Call, parse};
use pastoral_tests::whole_school::{Seen, WholeSchool};
use pastoral_tests::x_requests::{Request, requests};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What a program that hears titles asks of an X server: windows, names, properties. None of these gives a picture.
const ASKED: [u8; 10] = [1, 2, 3, 4, 15, 16, 18, 20, 43, 98];
/// Whose process a window is, and requests that are long.
const EXTENSIONS: [&str; 2] = ["BIG-REQUESTS", "X-Resource"];
/// From here on, numbers of requests belong to extensions.
const OF_EXTENSIONS: u8 = 128;

/// Where pictures of a screen come from, or go to, other than through the X server.
const DEVICES: [&str; 4] = ["/dev/dri", "/dev/fb", "/dev/video", "/dev/shm"];
const PICTURES: [&str; 10] = [
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".ico", ".svg", ".xwd",
];

const TRACED: [&str; 6] = [
    "-yy",
    "-xx",
    "-s",
    "65536",
    "-e",
    "trace=write,writev,sendto,sendmsg,open,openat,openat2,creat,memfd_create,shmget,shmat",
];

/// The files that a program opened, as it named them.
fn opened(calls: &[Call]) -> Vec<String> {
    let opens = calls
        .iter()
        .filter(|call| matches!(call.name.as_str(), "open" | "openat" | "openat2" | "creat"));
    opens
        .filter_map(|call| {
            let hex = call.arguments.split('"').nth(1)?;
            let bytes = hex
                .split("\\x")
                .filter_map(|byte| u8::from_str_radix(byte, 16).ok());
            Some(String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned())
        })
        .collect()
}

/// No picture's file, no device that gives one, no memory shared with whoever could fill it.
fn assert_opens_no_picture(who: &str, calls: &[Call]) {
    let files = opened(calls);
    assert!(!files.is_empty(), "{who} opened nothing: the trace sees nothing");
    for file in files {
        let picture = PICTURES.iter().any(|end| file.to_lowercase().ends_with(end));
        let device = DEVICES.iter().any(|device| file.starts_with(device));
        assert!(!picture && !device, "{who} opened {file}");
    }
    let shared = calls
        .iter()
        .find(|call| matches!(call.name.as_str(), "memfd_create" | "shmget" | "shmat"));
    assert_eq!(shared, None, "{who} shares memory");
}

fn is_of_titles(request: &Request) -> bool {
    match request {
        Request::Code(code) => ASKED.contains(code) || *code >= OF_EXTENSIONS,
        Request::Extension(name) => EXTENSIONS.contains(&name.as_str()),
    }
}

#[test]
fn a_flagged_page_with_a_picture_leaves_none_of_it_and_nobody_looked_at_the_screen() {
    let mut site = Site::start("image").unwrap();
    let (of_service, of_helper) = (
        site.folder.path().join("service.trace"),
        site.folder.path().join("helper.trace"),
    );
    site.laptop.stop().unwrap();
    let options = |file: &Path| {
        let file = ["-o".to_owned(), file.to_string_lossy().into_owned()];
        TRACED
            .iter()
            .map(|option| (*option).to_owned())
            .chain(file)
            .collect::<Vec<_>>()
    };
    let traced = options(&of_service);
    let traced: Vec<_> = traced.iter().map(String::as_str).collect();
    site.laptop.start_traced(&traced).unwrap();
    site.until_connected().unwrap();
    let desktop = Desktop::start(&site.pupil, &site.folder).unwrap();
    let traced = options(&of_helper);
    let traced: Vec<_> = traced.iter().map(String::as_str).collect();
    // Strace would take the trace for the helper's own file, which it may not write.
    let mut helper = site.laptop.helper_traced(&desktop, &site.pupil, &traced).unwrap();

    let port = site.collector.devices.port();
    let capture = Capture::start(port, &site.folder).unwrap();
    let pages = SearchSite::start().unwrap();
    let address = format!("{}search?q={}", pages.address(), SEVERE.replace(' ', "+"));
    let _browser = PupilBrowser::open(&desktop, &site.pupil, &site.folder, &address).unwrap();
    let store = site.store().unwrap();
    poll::until_so("the flag", || store.flags().unwrap() >= 1).unwrap();
    poll::until_so("the picture to be fetched", || pages.pictures_sent() > 0).unwrap();
    site.laptop.until_delivered().unwrap();

    // Neither on the wire, nor in any file of ours: the browser's own are the pupil's.
    let picture = picture_bytes();
    let sent = capture.bytes_to_port().unwrap();
    assert!(
        sent < picture.len() as u64 / 2,
        "{sent} bytes left the laptop: room for a picture"
    );
    let captured = capture.stop().unwrap();
    for part in [&picture[..40], &picture[picture.len() / 2..][..40]] {
        let found = output_of(Command::new("grep").args(["-caF", part]).arg(&captured));
        assert!(found.is_err(), "the picture is in the capture");
        let ours = [site.laptop.user(), site.collector.user()];
        let found = files_with(part, &site.folder, &[&site.pupil.name], &ours).unwrap();
        assert_eq!(found, "", "the picture was written");
    }
    // The tracer writes in its own time, and does not heed being asked to end.
    let traced = || parse(&fs::read_to_string(&of_helper).unwrap_or_default());
    poll::until_so("the trace to hold what the helper asked", || {
        requests(&traced()).len() > 20
    })
    .unwrap();
    helper.kill().unwrap();
    site.laptop.kill().unwrap();
    let calls = traced();
    assert_opens_no_picture("the helper", &calls);
    let asked = requests(&calls);
    let other: Vec<_> = asked.iter().filter(|request| !is_of_titles(request)).collect();
    assert!(other.is_empty(), "the helper asked the X server for {other:?}");
    let calls = parse(&fs::read_to_string(&of_service).unwrap());
    assert_opens_no_picture("the service", &calls);
    assert_eq!(requests(&calls), [], "the service spoke to the X server");
}

#[test]
fn the_console_shows_no_picture_and_takes_none() {
    let school = WholeSchool::start("image").unwrap();
    for (account, topic) in [("ibbotson", "sexting"), ("jessop", "indecent-images")] {
        let seen = Seen {
            on_staff_device: false,
            account,
            text: "pictures of marigold <img src=/assets/x.png>",
            term: "marigold",
            topic,
            severity: 5,
            by_page: false,
        };
        school.flag(&seen).unwrap();
    }
    for (who, reader) in school.everybody() {
        for (path, page) in everything_linked(reader).unwrap() {
            let policy: Vec<_> = page.policy.split(';').map(str::trim).collect();
            for rule in ["default-src 'none'", "img-src 'self'"] {
                assert!(policy.contains(&rule), "{who} at {path}: {policy:?}");
            }
            let html = page.html.to_lowercase();
            for tag in [
                "<img", "<picture", "<video", "<canvas", "<object", "<embed", "<iframe",
            ] {
                assert!(!html.contains(tag), "{who} at {path}: {tag}");
            }
            assert!(!html.contains("data:image"), "{who} at {path}");
            // The list of people is the one file that the console takes: text in columns.
            if path.starts_with("/people/import") {
                assert!(
                    !html.contains("type=\"file\"") || html.contains("accept=\".csv"),
                    "{who} at {path}"
                );
                continue;
            }
            for upload in ["type=\"file\"", "multipart/form-data"] {
                assert!(!html.contains(upload), "{who} at {path}: {upload}");
            }
        }
    }
    // What the console has of its own: one drawing, for the browser's tab.
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../collector/assets/dist");
    let mut pictures = fs::read_dir(assets)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| PICTURES.iter().any(|end| name.ends_with(end)));
    assert!(pictures.next().is_some_and(|name| name.starts_with("icon-")));
    assert_eq!(pictures.next(), None);
    // A picture that somebody sends all the same is not taken.
    let lead = &school.staff.lead;
    let page = lead.visit("/concerns/new").unwrap();
    let form = Form::with_action(&page.html, "/concerns/new").unwrap();
    let before = school
        .store()
        .unwrap()
        .number("SELECT count(*) FROM concern")
        .unwrap();
    let status = lead.upload(&form, b"\x89PNG\r\n\x1a\n").unwrap();
    assert!(
        (400..500).contains(&status),
        "an upload is answered with {status}"
    );
    let after = school
        .store()
        .unwrap()
        .number("SELECT count(*) FROM concern")
        .unwrap();
    assert_eq!(before, after);
}

/// Libraries that take, read or draw pictures, by parts of their names.
const OF_PICTURES: [&str; 22] = [
    "image",
    "png",
    "jpeg",
    "webp",
    "gif",
    "bmp",
    "tiff",
    "screenshot",
    "screencap",
    "xcap",
    "scrap",
    "captrs",
    "nokhwa",
    "v4l",
    "opencv",
    "gstreamer",
    "pipewire",
    "cairo",
    "skia",
    "pixbuf",
    "resvg",
    "wgpu",
];
/// Parts of the X protocol that give pictures.
const X_FEATURES: [&str; 8] = [
    "image",
    "shm",
    "composite",
    "dri3",
    "xfixes",
    "damage",
    "render",
    "all-extensions",
];

#[test]
fn nothing_that_runs_on_a_laptop_is_built_with_a_library_for_pictures() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--locked", "--offline", "--package", "pastoral-agent"]);
    cargo.args(["--edges", "normal", "--prefix", "none", "--format", "{lib} {f}"]);
    let tree = output_of(cargo.current_dir(env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert!(tree.lines().any(|line| line.starts_with("x11rb ")), "{tree}");
    for line in tree.lines() {
        let (library, features) = line.split_once(' ').unwrap_or((line, ""));
        let library = library.to_lowercase();
        // Not a picture's format, though its name begins like one: it checks certificates.
        let found = OF_PICTURES
            .iter()
            .find(|part| library != "webpki" && library.contains(**part));
        assert_eq!(found, None, "{line}");
        if library.starts_with("x11rb") {
            let found = features
                .split(',')
                .find(|feature| X_FEATURES.contains(&feature.trim()));
            assert_eq!(found, None, "{line}");
        }
    }
}
