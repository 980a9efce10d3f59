//! What to do about each kind of concern (P23, P29, P31), must-nots first. Enough to protect; the school's own
//! procedures and the law go before it.

use super::kind::Kind;

/// The procedure of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Procedure {
    /// What must not be done. Shown first.
    pub must_not: &'static [&'static str],
    /// What is done at once.
    pub at_once: &'static [&'static str],
    /// Who outside the school is told, and when.
    pub outside: &'static [&'static str],
}

/// Any of these makes an immediate referral (P31).
pub const IMAGERY_REFERRAL: [&str; 5] = [
    "An adult is involved.",
    "There is coercion, blackmail or grooming, or doubt whether the child could consent, for example because of special educational needs.",
    "It shows acts that are unusual for the child's stage of development, or violent.",
    "It shows sexual acts and any pupil in it is under 13.",
    "A pupil is at immediate risk because of the sharing, for example suicidal or self-harming.",
];

const TELL_LEAD_NOW: &str = "Tell the Designated Safeguarding Lead now.";
const TELL_LEAD: &str = "Tell the Designated Safeguarding Lead.";
const TELL_LEAD_OR_HEAD: &str =
    "Tell the Designated Safeguarding Lead; about a member of staff, the headteacher.";
const EMERGENCY: &str = "Police: 999 when somebody is at immediate risk.";
const POLICE: &str = "Police: 101 if an offence is suspected, 999 at immediate risk.";
const CHILDRENS_SERVICES: &str = "Children's services at the local authority.";
const LADO: &str = "If a member of staff may be involved: the Local Authority Designated Officer (LADO), by the headteacher.";

/// The procedure of a kind.
#[must_use]
pub const fn procedure(kind: Kind) -> Procedure {
    match kind {
        Kind::SelfHarm => SELF_HARM,
        Kind::Exploitation => EXPLOITATION,
        Kind::IndecentImages => INDECENT_IMAGES,
        Kind::SexualImagery => SEXUAL_IMAGERY,
        Kind::SexualHarassment => SEXUAL_HARASSMENT,
        Kind::Radicalisation => RADICALISATION,
        Kind::Disclosure => DISCLOSURE,
        Kind::Substances => SUBSTANCES,
        Kind::PersonalInformation => PERSONAL_INFORMATION,
        Kind::LookingForHelp => LOOKING_FOR_HELP,
        Kind::Bullying => BULLYING,
        Kind::Hate => HATE,
        Kind::Violence => VIOLENCE,
        Kind::HarmfulMaterial => HARMFUL_MATERIAL,
        Kind::Misuse => MISUSE,
        Kind::StaffMisuse => STAFF_MISUSE,
    }
}

/// What is done at once about a kind, said to whoever reads it: a safeguarding lead is not sent to the safeguarding lead.
pub fn at_once(kind: Kind, is_lead: bool) -> impl Iterator<Item = &'static str> {
    let said = move |step: &'static str| match step {
        TELL_LEAD_NOW if is_lead => "You are a safeguarding lead: this is yours. Act now.",
        TELL_LEAD if is_lead => "You are a safeguarding lead: this is yours to lead on.",
        TELL_LEAD_OR_HEAD if is_lead => {
            "You are a safeguarding lead: this is yours to lead on. About a member of staff, tell the headteacher."
        }
        step => step,
    };
    procedure(kind).at_once.iter().copied().map(said)
}

const LOOKING_FOR_HELP: Procedure = Procedure {
    must_not: &[
        "Do not treat it as misuse: looking for help is right, and nobody is to be blamed or sanctioned for it.",
        "Do not tell the child that the search was seen; do not ask in front of others.",
    ],
    at_once: &[
        "Think who the child trusts, and let that adult see quietly how the child is.",
        "Look whether there are other concerns about the child; if so, deal with the more serious one.",
    ],
    outside: &["Nobody, unless talking with the child shows a need."],
};

const SELF_HARM: Procedure = Procedure {
    must_not: &[
        "Do not leave the child alone.",
        "Do not promise to keep it secret.",
    ],
    at_once: &[
        TELL_LEAD_NOW,
        "Find the child and make sure that an adult stays with them.",
        "Listen calmly; say that they did right to show it and that there is help.",
        "Tell parents or carers, unless that would put the child at more risk; record that they were told, or why not.",
    ],
    outside: &[
        EMERGENCY,
        "Children's services and the children's mental-health service.",
        "The child can also call Childline, free: 0800 1111.",
    ],
};

const EXPLOITATION: Procedure = Procedure {
    must_not: &[
        "Do not do anything that could compromise an investigation: do not question the child beyond what they say, and do not warn anybody who may be involved.",
        "Do not promise to keep it secret.",
    ],
    at_once: &[
        TELL_LEAD_NOW,
        "Secure the devices.",
        "Assess the risk to this child and to others.",
        "Involve and support the child.",
        "Tell parents or carers where that is right; record that they were told, or why not.",
    ],
    outside: &[
        "Police: 101; 999 at immediate risk.",
        "CEOP.",
        CHILDRENS_SERVICES,
        LADO,
    ],
};

const INDECENT_IMAGES: Procedure = Procedure {
    must_not: &[
        "Do not view, copy, print, send or keep any image.",
        "Do not delete anything before the police or the safeguarding lead's advice.",
        "Do not switch the device on or use it.",
    ],
    at_once: &[
        "Stop.",
        TELL_LEAD_OR_HEAD,
        "Quarantine the devices until the police advise.",
        "Only after accidental exposure, once the safeguarding lead has confirmed that no agency needs them, are stray copies deleted.",
    ],
    outside: &[
        "Internet Watch Foundation (IWF): the address, where it is known. Never the image.",
        "Police.",
        CHILDRENS_SERVICES,
        LADO,
    ],
};

const SEXUAL_IMAGERY: Procedure = Procedure {
    must_not: &[
        "Do not view, send, share, save, print or copy the images, and do not ask a child to.",
        "Do not blame or shame a child.",
    ],
    at_once: &[
        TELL_LEAD,
        "The safeguarding lead makes an initial review with the set questions.",
        "Secure the device.",
        "Block access and isolate the images from others.",
        "Tell parents or carers unless that would put a child at risk; record that they were told, or why not.",
    ],
    outside: &["Children's services and police, at once, where one of the five criteria holds."],
};

const SEXUAL_HARASSMENT: Procedure = Procedure {
    must_not: &[
        "Do not do anything that could compromise an investigation.",
        "Do not treat it as banter.",
    ],
    at_once: &[
        TELL_LEAD,
        "Support every child who is involved, and keep them apart where needed.",
        "Tell parents or carers where that is right; record that they were told, or why not.",
    ],
    outside: &[
        "Children's services and the police.",
        "Where pupils of another school are involved, speak to the police or the local authority first.",
    ],
};

const RADICALISATION: Procedure = Procedure {
    must_not: &[],
    at_once: &[
        TELL_LEAD_OR_HEAD,
        "Look at it together with what else is known of the person; ask before you judge.",
    ],
    outside: &["The local Prevent route, and Channel.", POLICE],
};

const DISCLOSURE: Procedure = Procedure {
    must_not: &["Do not treat it as misconduct: the account is an adult's, the concern may be a child's."],
    at_once: &[
        "If it is a child's disclosure, the headteacher hands it to the Designated Safeguarding Lead as a child's concern, in one step, recorded.",
    ],
    outside: &[
        "As for the kind of concern that the child's disclosure is of.",
        EMERGENCY,
    ],
};

const SUBSTANCES: Procedure = Procedure {
    must_not: &["Do not promise to keep it secret."],
    at_once: &[
        TELL_LEAD,
        "Find out whether somebody else supplies, pressures or owes; that may be exploitation.",
        "Offer support.",
        "Tell parents or carers where that is right; record that they were told, or why not.",
    ],
    outside: &["Children's services where the child may be harmed.", POLICE],
};

const PERSONAL_INFORMATION: Procedure = Procedure {
    must_not: &["Do not blame the child."],
    at_once: &[
        TELL_LEAD,
        "Find out with the child what was given, and to whom.",
        "Help to have it taken down, and to change passwords.",
        "Tell parents or carers; record that they were told, or why not.",
    ],
    outside: &["CEOP and police if an adult is after the child."],
};

const BULLYING: Procedure = Procedure {
    must_not: &["Do not delete messages or posts before they are recorded."],
    at_once: &[
        "Record it.",
        "Find who was involved, by logs and witnesses.",
        "Keep the evidence.",
        "Support the child who is bullied; tell parents or carers of all involved.",
    ],
    outside: &["The provider of the service, to have it taken down.", POLICE],
};

const HATE: Procedure = Procedure {
    must_not: &[],
    at_once: &[
        "Record it.",
        "Support whoever it was aimed at.",
        "Tell parents or carers.",
    ],
    outside: &[POLICE],
};

const VIOLENCE: Procedure = Procedure {
    must_not: &["Do not face somebody who may be armed."],
    at_once: &[
        TELL_LEAD,
        "Judge whether somebody is in danger now.",
        "Record it, and keep the evidence.",
        "Tell parents or carers where that is right.",
    ],
    outside: &[POLICE],
};

const HARMFUL_MATERIAL: Procedure = Procedure {
    must_not: &[
        "Do not look the material up to check it; the safeguarding lead decides who looks, and writes down why first.",
    ],
    at_once: &[
        "Record it, with the category that a person confirms.",
        "Talk with the child; support comes before sanction.",
        "Have the filter corrected.",
        "Tell parents or carers.",
    ],
    outside: &[POLICE, "CEOP where abuse is suspected."],
};

const MISUSE: Procedure = Procedure {
    must_not: &[],
    at_once: &[
        "The class teacher talks with the child.",
        "Record a warning if one is given: only after a recorded warning does the same thing again count as continued.",
        "Have the filter corrected where it let this through.",
    ],
    outside: &[],
};

const STAFF_MISUSE: Procedure = Procedure {
    must_not: &[
        "Do not tell the person.",
        "Do not investigate alone, and do not use the person's account.",
    ],
    at_once: &[
        "The headteacher follows the allegations procedure; about the headteacher, the chair of governors.",
        "A flag names an account on a device, not a person's guilt: find out who used it.",
        "Keep the evidence; have the device moved to a safe place where the misuse is serious.",
    ],
    outside: &["The Local Authority Designated Officer (LADO).", POLICE],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_safeguarding_lead_is_not_told_to_tell_the_safeguarding_lead() {
        for kind in Kind::ALL {
            let said: Vec<_> = at_once(kind, true).collect();
            assert!(
                !said.iter().any(|step| step.starts_with("Tell the Designated")),
                "{kind:?}"
            );
            assert_eq!(said.len(), at_once(kind, false).count());
        }
        assert_eq!(at_once(Kind::SelfHarm, false).next(), Some(TELL_LEAD_NOW));
    }
}
