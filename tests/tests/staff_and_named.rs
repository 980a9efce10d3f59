//! Who learns of a concern and who does not (P20): a member of staff's, one whose text names a reader, one about an
//! account nobody knows. Tried as each role on every page, count, notice and live stream.

use pastoral_tests::collector::Collector;
use pastoral_tests::mail::Mail;
use pastoral_tests::process::Folder;
use pastoral_tests::staff::Staff;

#[test]
fn a_technician_is_offered_no_concerns() {
    let folder = Folder::new("staff").unwrap();
    let mail = Mail::start(&folder).unwrap();
    let collector = Collector::start(&folder, &mail, &[]).unwrap();
    let staff = Staff::join(&collector).unwrap();
    for path in ["/queue", "/closed", "/concerns/new", "/queue/live"] {
        assert_eq!(staff.technician.visit(path).unwrap().status, 404, "{path}");
    }
}
