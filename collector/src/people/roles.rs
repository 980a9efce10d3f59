//! What somebody is to the school, as systems write it.

use super::columns::squashed;
use crate::concerns::kind::SubjectRole;

/// What a field of roles says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// This role; works in the office.
    Is(SubjectRole, bool),
    /// They have left.
    HasLeft,
    /// A pupil and an adult of the school at once: one of the two is wrong, and nobody can say which.
    Both,
    /// Nothing that we know.
    Unknown,
}

/// Several roles of one person: staff before governor before parent. What a teacher who is a parent too does is a
/// teacher's; who is in the office and teaches has the rules of staff.
pub(super) fn role(field: &str) -> Said {
    let parts = field.split([',', ';', '|', '/']).map(str::trim);
    joined(parts.filter(|part| !part.is_empty()).map(one))
}

/// As [`role`], of roles that are said already.
pub(super) fn joined(said: impl IntoIterator<Item = Said>) -> Said {
    said.into_iter().reduce(two).unwrap_or(Said::Unknown)
}

fn two(one: Said, other: Said) -> Said {
    use SubjectRole::{Governor, Outside, Pupil, Staff};
    match (one, other) {
        (Said::HasLeft, other) | (other, Said::HasLeft) => other,
        (Said::Unknown, _) | (_, Said::Unknown) => Said::Unknown,
        (Said::Both, _) | (_, Said::Both) => Said::Both,
        (Said::Is(Pupil, _), Said::Is(Pupil, _)) => Said::Is(Pupil, false),
        (Said::Is(Pupil, _), Said::Is(..)) | (Said::Is(..), Said::Is(Pupil, _)) => Said::Both,
        (Said::Is(Staff, a), Said::Is(Staff, b)) => Said::Is(Staff, a && b),
        (Said::Is(Staff, office), Said::Is(..)) | (Said::Is(..), Said::Is(Staff, office)) => {
            Said::Is(Staff, office)
        }
        (Said::Is(Governor, _), Said::Is(..)) | (Said::Is(..), Said::Is(Governor, _)) => {
            Said::Is(Governor, false)
        }
        (Said::Is(role, _), Said::Is(..)) => Said::Is(if role == Outside { Outside } else { role }, false),
    }
}

fn one(written: &str) -> Said {
    match squashed(written).as_str() {
        "student" | "pupil" | "learner" | "students" | "pupils" => Said::Is(SubjectRole::Pupil, false),
        "administrator"
        | "siteadministrator"
        | "districtadministrator"
        | "systemadministrator"
        | "officestaff"
        | "office"
        | "admin"
        | "administration"
        | "adminstaff"
        | "adminofficer"
        | "schooladministrator"
        | "secretary"
        | "schoolsecretary"
        | "bursar"
        | "businessmanager"
        | "schoolbusinessmanager"
        | "officemanager"
        | "receptionist" => Said::Is(SubjectRole::Staff, true),
        "governor" | "schoolgovernor" | "chairofgovernors" | "trustee" => {
            Said::Is(SubjectRole::Governor, false)
        }
        "guardian" | "parent" | "relative" | "carer" | "contact" | "parentcarer" | "contractor"
        | "visitor" | "outside" | "parentguardian" => Said::Is(SubjectRole::Outside, false),
        "alumni" | "leaver" | "former" | "formerstudent" | "formerpupil" | "formerstaff" | "expupil"
        | "exstaff" => Said::HasLeft,
        other if STAFF.contains(&other) => Said::Is(SubjectRole::Staff, false),
        _ => Said::Unknown,
    }
}

/// Roles of staff in OneRoster, School Data Sync and the systems of British schools.
const STAFF: [&str; 68] = [
    "teacher",
    "teachers",
    "staff",
    "aide",
    "proctor",
    "counselor",
    "counsellor",
    "principal",
    "chair",
    "professor",
    "researcher",
    "adjunct",
    "affiliate",
    "occupationaltherapist",
    "physicaltherapist",
    "speechtherapist",
    "visiontherapist",
    "paraprofessional",
    "specialservices",
    "advisor",
    "nurse",
    "itadmin",
    "lecturer",
    "faculty",
    "teacherassistant",
    "assistant",
    "instructor",
    "substitute",
    "coach",
    "teachingassistant",
    "ta",
    "hlta",
    "lsa",
    "learningsupportassistant",
    "teachingstaff",
    "supportstaff",
    "nonteachingstaff",
    "support",
    "headteacher",
    "head",
    "deputyhead",
    "deputyheadteacher",
    "assistanthead",
    "assistantheadteacher",
    "headofyear",
    "headofdepartment",
    "formtutor",
    "tutor",
    "senco",
    "sendco",
    "classteacher",
    "coversupervisor",
    "supplyteacher",
    "supply",
    "traineeteacher",
    "studentteacher",
    "ect",
    "librarian",
    "caretaker",
    "sitemanager",
    "technician",
    "ittechnician",
    "icttechnician",
    "networkmanager",
    "middaysupervisor",
    "leader",
    "nurserynurse",
    "educator",
];

/// Whether somebody with this job works in the office.
pub(super) fn in_office(job: &str) -> bool {
    matches!(one(job), Said::Is(_, true))
}
